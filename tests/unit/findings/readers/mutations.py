# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What can happen to a report: cut, damaged, spliced, recoded, and one value of its structure made strange.

Standard library only: ``tests/fuzz`` uses it too.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from random import Random
from typing import Any
from xml.sax.saxutils import escape

TOKENS = (
    b"<", b">", b"&", b"</host>", b"]]>", b"<a>", b"<!--", b"<![CDATA[", b"&#0;", b"&lt;", b"<?x?>", b"\0", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b";", b"null", b"NaN",
    b"1e999",
    b"\\ud800", b"\\u0000", b"\x1b[2J", b"{{ 7*7 }}", b"=cmd|' /C calc'!A0", b"\xe9", b"\xc3", b"\xf0\x9f", b"-1",
    b"99999999999999999999", b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
)  # fmt: skip
TEXTS = (
    "", " ", "\n", "x", "é", "\u202egnp", "\u0000", "\x1b]0;x\x07", "{{ lookup('pipe','id') }}", "<b>", "&amp;", "=1+1",
    "../../etc/passwd", "-1", "0", "1", "65535", "65536", "1e999", "9" * 30, "9" * 5000, "0x10", "1,5", "1.5", "NaN",
    "-0",
    "2026-11-22", "22/11/2026", "2026-13-45T99:99:99Z", "0000-00-00", "9999-12-31T23:59:59Z", "1795311000", "10.0.0.1",
    "10.0.0.1:443", "10.0.0.0/8", "::1", "[::1]:80", "fe80::1%eth0", "999.1.1.1", "http://[", "https://[::1", "//",
    "a:b:c",
    "http://h:99999999/", "http://h:٣/", "²", "٣", "host.example", "a" * 70_000, "CVE-2026-0001", "cve",
    "S-1-5-21-1-2-3-500",
    "true", "null", "critical", "CRITICAL", "None", "tcp/443", "443/tcp", "udp", "1-", "-", ",",
    "1-99999999", "U:1,T:2",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *TEXTS, None, True, False, 0, 1, -1, 65536, 2**31, 2**63, 2**64, -(2**70), 10**39, 1.5, -0.0, 1e300, [], {}, [[]],
    [None],
    [1], [""], [{}], {"a": 1}, {"": None}, {"id": {}}, [[[[[]]]]],
)  # fmt: skip
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "cp1252", "cp037", "utf-7")

Mutation = Callable[[bytes, Random, Sequence[bytes]], bytes]


def mutate(content: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """The content after one to five mishaps; ``others``: what pieces may come from."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
        content = random.choice(fitting(content))(content, random, others)
    return content


def fitting(content: bytes) -> tuple[Mutation, ...]:
    """The mutations that make sense for a content; those that know its structure count double."""
    beginning = content[:200].lstrip(b"\xef\xbb\xbf \r\n\t")
    if content.startswith(b"PK\x03\x04"):
        return (*PLAIN, *(_zip,) * 12)
    if beginning[:1] in (b"{", b"["):
        return (*PLAIN, *(_json,) * 12)
    if beginning[:1] == b"<":
        return (*PLAIN, *(_attribute, _text, _tag) * 4)
    return (*PLAIN, *(_cell,) * 12)


def _place(content: bytes, random: Random) -> int:
    """Any place, or one beside a mark of structure."""
    if content and random.random() < 0.5:
        found = [match.start() for match in re.finditer(rb"[<>\"'{}\[\],;:\n]", content)]
        if found:
            return min(len(content), random.choice(found) + random.randrange(2))
    return random.randrange(len(content) + 1)


def _cut(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    return content[: _place(content, random)]


def _behead(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    return content[_place(content, random) :]


def _flip(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    data = bytearray(content)
    for _ in range(random.choice((1, 1, 4, 20))):
        if data:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def _splice(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    source = random.choice(others) if others else content
    begin = _place(source, random)
    piece = source[begin : begin + random.choice((10, 100, 1000, 10_000))]
    at = _place(content, random)
    return content[:at] + piece + content[at + random.choice((0, len(piece))) :]


def _double(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    begin, end = sorted((_place(content, random), _place(content, random)))
    piece = content[begin:end][:20_000]
    return content[:begin] + piece * random.choice((2, 2, 5)) + content[end:]


def _drop(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    begin, end = sorted((_place(content, random), _place(content, random)))
    return content[:begin] + content[end:]


def _insert(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    at = _place(content, random)
    return content[:at] + random.choice(TOKENS) * random.choice((1, 1, 1, 3, 300)) + content[at:]


def _twice(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    return (
        content + random.choice((b"", b"\n")) + (random.choice(others) if others and random.random() < 0.5 else content)
    )


def _recode(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    return content.decode("utf-8", "replace").encode(random.choice(ENCODINGS), "replace")


PLAIN: tuple[Mutation, ...] = (_cut, _cut, _behead, _flip, _splice, _double, _drop, _insert, _twice, _recode)


# --- JSON


def _json(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """One value strange, one name away, one element twice. A file of lines: in one line."""
    lines = content.split(b"\n")
    index = random.randrange(len(lines))
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError):
        try:
            one = json.loads(lines[index])
        except (ValueError, RecursionError):
            return _flip(content, random, others)
        lines[index] = json.dumps(_strange(one, random)).encode()
        return b"\n".join(lines)
    return json.dumps(_strange(whole, random), ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")


def _strange(value: Any, random: Random) -> Any:
    """The value with one place of it changed; deeper places are as likely as high ones."""
    places = list(_places(value))
    if not places:
        return random.choice(VALUES)
    holder, key = random.choice(places)
    action = random.randrange(8)
    if action == 0:
        del holder[key]
    elif action == 1 and isinstance(holder, dict):
        holder[random.choice(("", "id", "x", *map(str, holder)))] = holder.pop(key)
    elif action == 2 and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif action == 3:
        holder[key] = [holder[key]]
    elif action == 4:
        holder[key] = {"value": holder[key]}
    elif action == 5:
        holder[key] = str(holder[key])[:1000]
    else:
        holder[key] = random.choice(VALUES)
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting and len(found) < 20_000:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            found.append((one, key))
            waiting.append(one[key])
    return found


# --- XML


def _attribute(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    found = list(re.finditer(rb'="[^"<]*"', content))
    if not found:
        return _flip(content, random, others)
    match = random.choice(found)
    if random.random() < 0.2:  # the attribute goes
        begin = content.rfind(b" ", 0, match.start())
        return content[: max(begin, 0)] + content[match.end() :]
    text = escape(random.choice(TEXTS).replace("\0", ""), {'"': "&quot;", "\n": "&#10;"})
    return content[: match.start() + 2] + text.encode() + content[match.end() - 1 :]


def _text(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    found = list(re.finditer(rb">[^<]+<", content))
    if not found:
        return _attribute(content, random, others)
    match = random.choice(found)
    text = escape(random.choice(TEXTS).replace("\0", ""))
    return content[: match.start() + 1] + text.encode() + content[match.end() - 1 :]


def _tag(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """One element away, renamed, empty, twice, or in another place."""
    found = list(re.finditer(rb"<([A-Za-z_][\w.:-]*)(?:\s[^<>]*)?(?:/>|>[^<]*</\1>)", content))
    if not found:
        return _text(content, random, others)
    match = random.choice(found)
    piece = match.group()
    action = random.randrange(5)
    if action == 0:
        piece = b""
    elif action == 1:
        piece = piece.replace(match.group(1), b"other")
    elif action == 2:
        piece = b"<" + match.group(1) + b"/>"
    elif action == 3:
        piece = piece * random.choice((2, 50))
    else:
        elsewhere = random.choice(found)
        piece = elsewhere.group()
    return content[: match.start()] + piece + content[match.end() :]


# --- tables


def _cell(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    lines = content.split(b"\n")
    index = random.randrange(len(lines))
    mark = max((b",", b";", b"\t", b"|"), key=lines[0].count)
    cells = lines[index].split(mark)
    action = random.randrange(6)
    at = random.randrange(len(cells))
    if action == 0:
        del cells[at]
    elif action == 1:
        cells.insert(at, b"")
    elif action == 2:
        lines.insert(index, lines[random.randrange(len(lines))])
        return b"\n".join(lines)
    else:
        text = random.choice(TEXTS)
        cells[at] = (f'"{text}"' if random.random() < 0.5 else text).encode()
    lines[index] = mark.join(cells)
    return b"\n".join(lines)


# --- ZIP: workbooks, bundles, archives


def _zip(content: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """One member damaged, the archive whole; or a member away, twice, under another name."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = [(info.filename, packed.read(info)) for info in packed.infolist()]
    except Exception:
        return _flip(content, random, others)
    if not members:
        return content
    index = random.randrange(len(members))
    name, text = members[index]
    action = random.randrange(12)
    if action == 0:
        del members[index]
    elif action == 1:
        members[index] = (random.choice(("../x", "/abs", "", "x" * 300, "é", name.upper(), f"{name}/")), text)
    elif action == 2:
        members.append((random.choice(members)[0], text))
    else:
        members[index] = (name, mutate(text, random, [one for _name, one in members]))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in members:
            info = zipfile.ZipInfo(name or "x")
            info.compress_type = zipfile.ZIP_DEFLATED
            packed._didModify = True  # type: ignore[attr-defined]
            packed.NameToInfo.pop(info.filename, None)  # a name twice is meant
            packed.writestr(info, text)
    return made.getvalue()
