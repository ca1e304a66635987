# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosts, ports, dates and lists out of the cells that people write."""

from __future__ import annotations

import datetime
import re
import unicodedata
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from ..records import normal_address
from .xmlstream import cut

MAX_HOSTS: Final = 200
MAX_PORTS: Final = 100
MAX_LIST: Final = 200

_SPLIT: Final = re.compile(r"[,;\n\r\t|]+")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://")
_WITH_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:]+):([0-9]{1,5})\Z")
_PORT: Final = re.compile(
    r"(?<![0-9A-Za-z.])(?:(tcp|udp|sctp)\s*[/:]?\s*)?([0-9]{1,5})(?:\s*[/:]\s*(tcp|udp|sctp))?(?![0-9A-Za-z.])", re.I
)
_ONLY_PORTS: Final = re.compile(r"(?:tcp|udp|sctp|ports?|et|and|&|[0-9\s,;:/|()])+\Z", re.I)
_CVE: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,12}", re.I)
_CWE: Final = re.compile(r"(?:CWE-?)?\b([0-9]{1,5})\b", re.I)
_LINK: Final = re.compile(r"https?://[^\s,;\"'<>]{1,2000}")
_ISO: Final = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[T ]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:[.,][0-9]+)?\s*(Z|UTC|[+-][0-9]{2}:?[0-9]{2})?)?\Z"
)
_SLASHED: Final = re.compile(
    r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})"
    r"(?:[ T,à]+([0-9]{1,2})[:hH]([0-9]{2})(?::([0-9]{2}))?)?\Z"
)
_SPELT: Final = re.compile(r"([0-9]{1,2})(?:er)?[ -]([a-z]{3,10})\.?[ -]([0-9]{4})\Z")
_MONTHS: Final = {
    month: number
    for names in (
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
        "janv fevr mars avr mai juin juil aout sept oct nov dec",
        "january february march april may june july august september october november december",
        "jan feb mar apr may jun jul aug sep oct nov dec",
    )
    for number, month in enumerate(names.split(), 1)
}
TRUE: Final = frozenset(("true", "yes", "oui", "vrai", "1", "x", "o", "y"))


class Place(NamedTuple):
    """A host as a cell names it: its address, its name, the port in it."""

    address: str | None
    name: str
    port: int | None = None


def places(text: str) -> list[Place]:
    """The hosts that a cell names: ``srv1``, ``10.0.0.1 (srv1)``, ``https://x:8443/``, ``srv1, srv2``. At most
    MAX_HOSTS + 1 of them, so that the caller sees that there are too many."""
    found: dict[Place, None] = {}
    for part in _SPLIT.split(text[: 1 << 16]):
        part = part.strip(" \t\"'<>")
        if not part or part in ("-", "–", "n/a", "N/A"):
            continue
        found.setdefault(_place(part))
        if len(found) > MAX_HOSTS:
            break
    return list(found)


def _place(part: str) -> Place:
    if _URL.match(part):
        try:
            url = urlsplit(part)
            host, port = url.hostname or "", url.port
        except ValueError:
            return Place(None, cut(part, 255))
        address = normal_address(host)
        return Place(address, "" if address else cut(host, 255), port)
    address = normal_address(part)
    if address:
        return Place(address, "")
    with_port = _WITH_PORT.match(part)
    if with_port and int(with_port[2]) <= 65535 and with_port[1].count(":") != 1:
        host = with_port[1].strip("[]")
        address = normal_address(host)
        return Place(address, "" if address else cut(host, 255), int(with_port[2]))
    words = [word for word in re.split(r"[\s()\[\]]+", part) if word and word not in ("-", "–", "/", ":")]
    addresses = [(word, normal) for word in words if (normal := normal_address(word))]
    if len(addresses) == 1:
        rest = " ".join(word for word in words if word != addresses[0][0])
        return Place(addresses[0][1], cut(rest, 255))
    return Place(None, cut(part, 255))


def ports(text: str, protocol: str) -> list[tuple[str, int]] | None:
    """(protocol, number) for each port of a cell: ``443``, ``443/tcp``, ``ssh (22/tcp)``, ``80, 443``. Empty: none is
    meant (``general/tcp``, ``0``, ``-``). None: there is something that is no port, or too many of them."""
    text = text.strip()
    if not text:
        return []
    usual = protocol.strip().lower()
    usual = usual if usual in ("tcp", "udp", "sctp") else "tcp"
    if re.search(r"[0-9]\s*(?:-|–|à|to)\s*[0-9]", text):
        return None
    # "version 2 of 3" has no ports: among words, only a number with its protocol is one
    bare = _ONLY_PORTS.match(text) is not None
    found: dict[tuple[str, int], None] = {}
    seen = False
    for match in _PORT.finditer(text):
        if not bare and not (match[1] or match[3]):
            continue
        number = int(match[2])
        seen = True
        if number > 65535:
            return None
        if number:
            found.setdefault(((match[1] or match[3] or usual).lower(), number))
        if len(found) > MAX_PORTS:
            return None
    if not seen and not text.casefold().startswith(("general", "n/a", "-", "–", "none", "aucun")):
        return None
    return list(found)


def date(text: str, *, american: bool = False) -> datetime.datetime | None:
    """A moment in UTC, from ISO 8601, ``03/04/2026 14:30`` or ``3 avril 2026``; without offset it is taken for UTC."""
    text = text.strip()[:60]
    try:
        found = _ISO.match(text)
        if found:
            moment = _moment(found[1], found[2], found[3], found[4], found[5], found[6])
            zone = found[7]
            if zone and zone[0] in "+-":
                away = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
                moment = moment - away if zone[0] == "+" else moment + away
            return moment
        found = _SLASHED.match(text)
        if found:
            day, month = (found[2], found[1]) if american else (found[1], found[2])
            year = found[3] if len(found[3]) == 4 else f"20{found[3]}"
            return _moment(year, month, day, found[4], found[5], found[6])
        plain = "".join(one for one in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(one))
        found = _SPELT.match(plain)
        if found and found[2] in _MONTHS:
            return _moment(found[3], str(_MONTHS[found[2]]), found[1], None, None, None)
    except (ValueError, OverflowError):
        pass
    return None


def _moment(year: str, month: str, day: str, *clock: str | None) -> datetime.datetime:
    hour, minute, second = (int(one or 0) for one in clock)
    return datetime.datetime(int(year), int(month), int(day), hour, minute, second, tzinfo=datetime.UTC)


def cves(text: str) -> list[str]:
    """Every CVE id in a text, once."""
    return list(dict.fromkeys(one.upper() for one in _CVE.findall(text[: 1 << 16])))[:MAX_LIST]


def cwes(text: str) -> list[str]:
    """Every CWE id in a text, once, as ``CWE-79``."""
    return list(dict.fromkeys(f"CWE-{int(one)}" for one in _CWE.findall(text[:4096])))[:MAX_LIST]


def links(text: str) -> list[str]:
    """Every web address in a text, once; the text itself where it holds none."""
    found = list(dict.fromkeys(_LINK.findall(text[: 1 << 16])))[:MAX_LIST]
    return found or [cut(text, 2000)]


def share(value: float | None, limit: float) -> float | None:
    """A number between 0 and ``limit``, else None."""
    return value if value is not None and 0 <= value <= limit else None


def as_text(value: Any) -> str:
    """What JMESPath gave, as a text: nothing for null, ``a, b`` for a list of texts."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format(value, ".15g") if isinstance(value, float) else str(value)
    if isinstance(value, list):
        return ", ".join(as_text(one) for one in value[:1000] if one is not None and one != "")
    if isinstance(value, dict):
        return "; ".join(f"{key}: {as_text(one)}" for key, one in list(value.items())[:200])
    return str(value)
