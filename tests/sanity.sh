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
# ansible-test fetches pip's installer from its project's own server, which a hospital's control node does not reach:
# the one that comes with Python does, put where ansible-test keeps the fetched one. HOME keeps all that in build/.
export HOME=$top/build/sanity/home
version=$("$bin/python" -c 'import ansible_test._internal.python_requirements as m, inspect, re
print(re.search(r"pip=.([0-9.]+).", inspect.getsource(m))[1])')
mkdir -p "$HOME/.ansible/test/cache"
printf 'import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n' > "$HOME/.ansible/test/cache/get_pip_${version//./_}.py"
exec ansible-test sanity --python 3.11 --requirements --color no "$@"
