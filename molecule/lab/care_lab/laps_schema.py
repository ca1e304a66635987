# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The schema of Windows LAPS, as Update-LapsADSchema adds it (Microsoft, Windows LAPS schema extensions reference)."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

DATABASE: Final = "/var/lib/samba/private/sam.ldb"
# Samba takes a schema change on its own machine only, and only when told
COMMAND: Final = ("ldbmodify", "-H", DATABASE, "--option=dsdb:schema update allowed=true")
PROPERTY_SET: Final = uuid.UUID("f3531ec6-6330-4f8e-8d39-7a671fbac605")
COMPUTER: Final = "bf967a86-0de6-11d0-a285-00aa003049e2"


class Attribute(NamedTuple):
    """One attribute: its OID below 1.2.840.113556.1.6.44.1, syntaxes, searchFlags, and if it is in the property set."""

    name: str
    oid: int
    syntax: str
    om_syntax: int
    flags: int
    encrypted: bool


ATTRIBUTES: Final = (
    Attribute("LAPS-PasswordExpirationTime", 1, "2.5.5.16", 65, 0, False),
    Attribute("LAPS-Password", 2, "2.5.5.5", 19, 904, False),
    Attribute("LAPS-EncryptedPassword", 3, "2.5.5.10", 4, 904, True),
)


def extend(run: Callable[[Sequence[str], str], object], domain_dn: str) -> None:
    """Extend the schema; ``run`` runs a command on the domain controller with a text as its input, and raises."""
    schema = f"CN=Schema,CN=Configuration,{domain_dn}"
    run(
        COMMAND,
        f"dn: CN=ms-LAPS-Encrypted-Password-Attributes,CN=Extended-Rights,CN=Configuration,{domain_dn}\n"
        f"changetype: add\nobjectClass: controlAccessRight\nrightsGuid: {PROPERTY_SET}\nvalidAccesses: 48\n"
        f"appliesTo: {COMPUTER}\n",
    )
    in_set = base64.b64encode(PROPERTY_SET.bytes_le).decode()
    for one in ATTRIBUTES:
        more = f"attributeSecurityGUID:: {in_set}\n" if one.encrypted else ""
        run(
            COMMAND,
            f"dn: CN=ms-{one.name},{schema}\nchangetype: add\nobjectClass: attributeSchema\n"
            f"lDAPDisplayName: ms{one.name}\nattributeID: 1.2.840.113556.1.6.44.1.{one.oid}\n"
            f"attributeSyntax: {one.syntax}\noMSyntax: {one.om_syntax}\nisSingleValued: TRUE\n"
            f"searchFlags: {one.flags}\n{more}",
        )
        run(COMMAND, f"dn: CN=Computer,{schema}\nchangetype: modify\nadd: mayContain\nmayContain: ms{one.name}\n")
    run(("smbcontrol", "all", "reload-config"), "")
