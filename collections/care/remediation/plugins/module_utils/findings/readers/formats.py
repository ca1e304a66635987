# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The readers, in the order in which a file is offered to them. A new format is one line here and one file.

``XML``: classes with ``type``, ``ROOTS`` and the methods of ``xmlstream.Handler``. ``JSON``: classes with ``type``,
``recognise(head)`` and ``records(stream)``. ``TABLES``: classes with ``type``, ``recognise(header)``, ``records(…)``.
``BUNDLES``: classes with ``type``, ``recognise(names)`` and ``records(members)``: archives that are one report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, Final

from . import content
from .ads import AdsReader
from .bloodhound import BloodHoundPart, BloodHoundReader
from .censys import CensysReader
from .defectdojo import DefectDojoReader
from .errors import ReportError
from .masscan import MasscanHandler
from .masscan_json import MasscanJsonReader
from .nessus import NessusHandler
from .nmap import NmapHandler
from .nuclei import NucleiReader
from .openvas import OpenvasHandler
from .pingcastle import ENCRYPTED, PingCastleHandler
from .purple_knight import PurpleKnightFolder, PurpleKnightReader
from .sarif import SarifReader
from .shodan import ShodanReader
from .ssh_audit import SshAuditReader
from .sslyze import SslyzeReader
from .testssl import SslTestReader
from .xmlstream import Foreign, Handler, Refused

XML: Final[tuple[Any, ...]] = (
    NmapHandler,
    PingCastleHandler,
    NessusHandler,
    OpenvasHandler,
    MasscanHandler,
)
JSON: Final[tuple[Any, ...]] = (
    NucleiReader,
    SslTestReader,
    SslyzeReader,
    SshAuditReader,
    MasscanJsonReader,
    SarifReader,
    ShodanReader,
    CensysReader,
    AdsReader,
    BloodHoundPart,
    DefectDojoReader,  # last: `findings` with a title and a severity may be anybody's
)
TABLES: Final[tuple[Any, ...]] = (PurpleKnightReader,)
BUNDLES: Final[tuple[Any, ...]] = (
    PurpleKnightFolder,
    BloodHoundReader,
)


def roots(reader: Any) -> frozenset[str]:
    """The root elements that an XML reader reads."""
    return frozenset(reader.ROOTS)


def types() -> list[str]:
    """The names of all formats, for messages."""
    return sorted({reader.type for reader in (*XML, *JSON, *TABLES, *BUNDLES)})


def xml(root: str, attributes: Mapping[str, str]) -> Callable[[], Handler]:
    """The reader for a root element; Refused (with what to do) where there is none.

    masscan writes nmap's root element, and says so in ``scanner``.
    """
    if root in content.UNREADABLE_ROOTS:
        raise Refused(content.UNREADABLE_ROOTS[root])
    if root == "EncryptedData":
        raise Refused(ENCRYPTED)
    if root in content.FOREIGN_ROOTS:
        raise Foreign(content.FOREIGN_ROOTS[root])
    fitting = [reader for reader in XML if root in roots(reader)]
    if not fitting:
        known = ", ".join(f"<{name}>" for name in sorted({name for reader in XML for name in roots(reader)}))
        raise Foreign(
            f"the root element is <{root[:80]}>: this is not a report that care.remediation reads (it reads {known})"
        )
    scanner = attributes.get("scanner")
    chosen: Callable[[], Handler] = next((reader for reader in fitting if reader.type == scanner), fitting[0])
    return chosen


def json(beginning: bytes, mappings: Sequence[Any], name: str) -> Any:
    """A new reader for JSON that begins so; ReportError where there is none."""
    from . import jsonstream

    head = jsonstream.head(beginning)
    if head is None:
        raise ReportError(name, "is neither JSON nor another format that is read here", line=1, foreign=True)
    if '"care.remediation/' in head.text[:4096]:
        raise ReportError(name, "is a document of care.remediation itself, not a report", line=1, foreign=True)
    for reader in JSON:
        if reader.recognise(head):
            return reader()
    made = _mapped(head, mappings)
    if made is not None:
        return made
    if "".join(head.text[:1000].split()).strip("\ufeff") in ("[]", "{}"):
        raise ReportError(
            name,
            "is JSON with nothing in it: the tool that wrote it found nothing, or was stopped. It proves nothing",
            line=1,
            foreign=True,
        )
    keys = ", ".join(sorted(head.keys | head.first)[:12])
    raise ReportError(
        name,
        f"is JSON{f' with the keys {keys[:300]}' if keys else ''}, of no tool that is known here. Known: "
        f"{', '.join(types())}; for another tool write a mapping file",
        line=1,
        foreign=True,
    )


def table(sought: BinaryIO | None, beginning: bytes, mappings: Sequence[Any], name: str) -> Any:
    """A new reader for a workbook (``sought``) or for text that begins so; ReportError where there is none."""
    from . import tables

    if sought is not None:
        head = tables.head(sought, name=name)
        sought.seek(0)
    else:
        head = tables.csv_head(beginning, name=name)
    for reader in TABLES:
        if reader.recognise(head):
            return reader()
    made = _mapped(head, mappings)
    if made is not None:
        return made
    better = content.foreign_table(beginning)
    if better is not None:
        raise ReportError(name, better, line=1, foreign=True)
    raise ReportError(
        name,
        "is not XML, not JSON, and not a table of a tool that is known here. Known: "
        f"{', '.join(types())}; for a table of another tool write a mapping file",
        line=1,
        foreign=True,
    )


def _mapped(head: Any, mappings: Sequence[Any]) -> Any | None:
    """The reader by a person's mapping, for what no tool's own reader takes."""
    if not mappings:
        return None
    from . import mapped

    mapping = mapped.recognise(head, mappings)
    return None if mapping is None else mapped.MappedReader(mapping, head)


def bundle(names: Sequence[str]) -> Any | None:
    """The reader for an archive that is one report, by the names in it."""
    return next((reader for reader in BUNDLES if reader.recognise(names)), None)
