#!/usr/bin/env bash
# Copies the collection with its roles, playbooks and licence inside it (they are links in the working tree) to DIR.
set -euo pipefail
dest=${1:?usage: stage-collection.sh DIR}
top=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$dest"
mkdir -p "$dest"
cp -RL "$top/collections/care/remediation/." "$dest/"
find "$dest" \( -name __pycache__ -o -name '*.pyc' -o -name .ansible \) -prune -exec rm -rf {} +
