# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosts and domains that the inventory does not know, as a piece of inventory ready to be looked through and taken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Final

from .escape import comment

FILE: Final = "unmatched.yml"
HEADER: Final = """\
# Hôtes et domaines que les rapports nomment et que l'inventaire ne connaît pas. À relire, puis à copier dans
# l'inventaire : un hôte d'un autre propriétaire n'y a pas sa place. Relancer ensuite plan.yml. Ce fichier est réécrit à
# chaque import et n'est pas lu.
#
# Hosts and domains that the reports name and the inventory does not know. Look them through, then copy them into the
# inventory: a host of another owner has no place there. Then run plan.yml again. This file is written anew at each
# import, and is not read.
---
"""
# What a machine says of its name becomes a name of the inventory only in this form.
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\Z")


def snippet(unmatched: Sequence[Mapping[str, Any]], inventory: Iterable[str] = ()) -> str:
    """A YAML inventory of these hosts (``unmatched`` of findings/1); empty text where there are none.

    Names are the first acceptable one that the report gives, else made of the address. What is neither an address nor a
    plain name stays in a comment. A name that a host of the ``inventory`` has already is not given again: what a
    stranger calls itself must not redefine a host.
    """
    taken = {name.casefold() for name in inventory}
    groups: dict[str, dict[str, list[str]]] = {}
    for host in unmatched:
        known = groups.setdefault("care_directory" if host["domain"] else "care_hosts", {})
        name = _unused(_name(host, taken), known)
        said = f"{comment(host['label'], 120)}: {host['records']} ({comment(host['reason'], 120)})"
        lines = [f"    # {said}", f'    "{name}":']
        if host["domain"]:
            lines.append(f"      care_domains: [{_listed(one for one in host['names'] if _NAME.match(one))}]")
        elif host["addresses"]:
            lines.append(f'      ansible_host: "{host["addresses"][0]}"')
            lines.append(f"      care_addresses: [{_listed(host['addresses'])}]")
        known[name] = lines
    if not groups:
        return ""
    body = []
    for group, hosts in sorted(groups.items()):
        body += [f"{group}:", "  hosts:", *(line for lines in hosts.values() for line in lines)]
    return HEADER + "\n".join(body) + "\n"


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)


def _name(host: Mapping[str, Any], taken: Set[str]) -> str:
    for name in host["names"]:
        if _NAME.match(name) and not name.isdigit() and name.casefold() not in taken:
            return str(name).lower()
    address = re.sub(r"[^0-9a-f]+", "-", host["addresses"][0]) if host["addresses"] else "unknown"
    return f"host-{address.strip('-')}"


def _unused(name: str, known: Mapping[str, Any]) -> str:
    if name not in known:
        return name
    number = 2
    while f"{name}-{number}" in known:
        number += 1
    return f"{name}-{number}"
