# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole state of the lab, taken by programs that are not the product's, and compared.

The domain is read below LDAP by ldbsearch (``molecule/shared/ldif_equal.py``); web1's ruleset, configuration files,
accounts and units by nft, sha256sum and systemctl.
"""

from __future__ import annotations

import difflib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from care_lab.instance import Instance
from care_lab.paths import BUILD, PROJECT
from care_lab.podman import execute

STATES = BUILD / "demo" / "states"
# /etc/users.oath is written by pam_oath at each login, which the clients of the demo do.
WEB1 = r"""
echo '# ruleset'; nft list ruleset
echo '# files'
find /etc -xdev -type f ! -name 'ld.so.cache' ! -name 'users.oath' -printf '%m %U:%G %p ' -exec sha256sum -z {} ';' \
  | tr '\0' '\n' | sort -k3
echo '# links'; find /etc -xdev -type l -printf '%p -> %l\n' | sort
echo '# units'
systemctl list-unit-files --no-legend --no-pager | awk '{print $1, $2}' | sort
systemctl list-units --type=service,socket --state=active --plain --no-legend --no-pager \
  | awk '{print $1}' \
  | grep -Ev '^(user@|user-runtime|session|systemd-(tmpfiles|logind|hostnamed)|telnet@|ssh@)' \
  | grep -Ev '^(fstrim|apt-daily|e2scrub|dpkg|logrotate|phpsessionclean)' | sort
"""


def _ldif_equal() -> Any:
    path = PROJECT / "molecule" / "shared" / "ldif_equal.py"
    spec = importlib.util.spec_from_file_location("ldif_equal", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ldif_equal"] = module
    spec.loader.exec_module(module)
    return module


ldif_equal = _ldif_equal()


def take(lab: Instance, label: str) -> Path:
    """Write the state into a folder, and return it."""
    folder = STATES / label
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor() as both:
        domain = both.submit(ldif_equal.dump, lab.container("dc1"))
        web1 = both.submit(execute, lab.container("web1"), ["bash", "-c", WEB1])
        (folder / "domain.ldif").write_text(domain.result(), encoding="utf-8")
        (folder / "web1.txt").write_text(web1.result().stdout, encoding="utf-8")
    return folder


def declared(changes: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """(DN, attribute) of what the change set said that no one can put back."""
    found = set()
    for change in changes:
        dn = change["object"].get("dn")
        if change["target"] != "directory" or not dn:
            continue
        if not change["reversible"]:
            found.add((dn, change["attribute"]))
        found |= {(dn, effect["attribute"]) for effect in change["side_effects"] if effect.get("irreversible")}
    return sorted(found)


def equal(before: Path, after: Path, excepted: Iterable[tuple[str, str]] = ()) -> bool:
    """Whether two states are the same; prints the first differences."""
    different = ldif_equal.compare(before / "domain.ldif", after / "domain.ldif", excepted)
    old, new = ((folder / "web1.txt").read_text(encoding="utf-8").splitlines() for folder in (before, after))
    different += difflib.unified_diff(old, new, "web1 before", "web1 after", n=0, lineterm="")
    for line in different[:20]:
        print(f"  ≠ {line[:300]}", flush=True)
    return not different
