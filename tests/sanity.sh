#!/usr/bin/env bash
# The sanity tests of ansible-test that run without a container engine of its own, on the collection as it is shipped.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
bin=${CARE_BIN:-$top/.venv/bin}
stage=$top/build/sanity/ansible_collections/care/remediation
rm -rf "$top/build/sanity"
"$top/tests/stage-collection.sh" "$stage"
cd "$stage"
# ansible-test wants a git tree to know which files count.
git init -q . && git add -A && git -c user.name=sanity -c user.email=sanity@localhost commit -qm stage
export PATH="$bin:$PATH"
exec ansible-test sanity --python 3.11 --venv --requirements --color no \
  --skip-test import "$@"
