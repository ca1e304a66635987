#!/usr/bin/env bash
# Builds the collection's tarball, roles and playbooks inside it, into build/dist/.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
bin=${CARE_BIN:-$top/.venv/bin}
"$top/tests/stage-collection.sh" "$top/build/dist/stage"
"$bin/ansible-galaxy" collection build --force --output-path "$top/build/dist" "$top/build/dist/stage"
rm -rf "$top/build/dist/stage"
