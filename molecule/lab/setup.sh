#!/bin/bash
# Set up a Debian machine to develop, test and show care.remediation: packages, .venv, a configuration for podman.
# Idempotent and quick when there is nothing to do: every make target calls it. Nothing outside of apt, .venv/ and
# build/ is touched. Behind a private CA or mirror, apt's and pip's own settings (PIP_CERT, PIP_INDEX_URL…) are used.
set -euo pipefail
cd "$(dirname "$0")/../.."
start=$SECONDS
say() { printf '[%4d s] setup: %s\n' "$((SECONDS - start))" "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# What each package is for: the lab's containers; python-ldap and krb5, which are compiled; their signing and sealing with Kerberos
# and NTLM; the clients that judge results in tests.
packages=(
    podman runc netavark aardvark-dns iptables nftables mmdebstrap debian-archive-keyring
    gcc libc6-dev libkrb5-dev libldap2-dev libsasl2-dev
    libsasl2-modules-gssapi-mit gss-ntlmssp krb5-user
    ldap-utils openssh-client sshpass oathtool openssl curl redis-tools postgresql-client ca-certificates procps
)

installed() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

missing=()
for package in "${packages[@]}"; do installed "$package" || missing+=("$package"); done

# A Python 3.11 of one's own (pyenv…) brings its headers; Debian's has them in packages.
python=""
for candidate in python3.11 /usr/bin/python3.11 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
        python=$("$candidate" -c 'import sys; print(sys.executable)')
        break
    fi
done
if [ -z "$python" ]; then
    missing+=(python3.11)
    python=/usr/bin/python3.11
fi
if [ "$(readlink -f "$python")" = "$(readlink -f /usr/bin/python3.11 2>/dev/null || echo -)" ] || [ ! -x "$python" ]; then
    for package in python3.11-dev python3.11-venv; do installed "$package" || missing+=("$package"); done
fi

if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] || die "these packages are missing, and only root can install them: ${missing[*]}"
    command -v apt-get >/dev/null || die "this needs Debian's apt-get for: ${missing[*]}"
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    if ! { apt-get -q update && apt-get -q install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -20 "$log" >&2
        die "apt-get failed (above); set it right and run make setup again"
    fi
    rm -f "$log"
fi

mkdir -p build
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    say "making .venv with $python"
    rm -rf .venv
    "$python" -m venv .venv
fi
# What pip installed is known by the digest of what it was told, kept in the environment it went into.
wanted=$(sha256sum pyproject.toml | cut -d' ' -f1)
if [ "$(cat .venv/.care-installed 2>/dev/null)" != "$wanted" ]; then
    say "installing the Python packages of pyproject.toml (one or two minutes the first time)"
    log=$(mktemp)
    if ! .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off --quiet -e '.[dev]' >"$log" 2>&1; then
        tail -25 "$log" >&2
        die "pip failed (above); set it right and run make setup again"
    fi
    rm -f "$log"
    printf '%s\n' "$wanted" > .venv/.care-installed
fi
# python -m care_lab from anywhere
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
line="$PWD/molecule/lab"
[ "$(cat "$site/care_lab.pth" 2>/dev/null)" = "$line" ] || printf '%s\n' "$line" > "$site/care_lab.pth"
.venv/bin/python -c 'from care_lab.podman import environment; environment()'
say "ready"
