# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""nginx: no TLS below 1.2, Mozilla's intermediate ciphers, wherever the directives are.

Directives: ngx_http_ssl_module, ngx_stream_ssl_module, ngx_mail_ssl_module. Ciphers: Mozilla's "Server Side TLS",
intermediate compatibility, version 5.7. Only the places of the directives are changed, the rest of each file stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PROTOCOLS = ("TLSv1.2", "TLSv1.3")
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-GCM-SHA256",
    "DHE-RSA-AES256-GCM-SHA384",
    "DHE-RSA-CHACHA20-POLY1305",
)
DROP_IN = "care-remediation-tls.conf"
# Values of ssl_conf_command that can lower what the two directives say.
LOWERING = frozenset({"MinProtocol", "MaxProtocol", "Protocol", "CipherString"})

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<comment>\#[^\n]*)|(?P<mark>[;{}])|"
    r"""(?P<word>(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\.|\$\{[^}]*\}|[^\s;{}"'\\])"""
    r"(?:\\.|\$\{[^}]*\}|[^\s;{}\\])*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Directive:
    """One directive: its words, where it stands in the text, and the blocks around it inside this file."""

    words: tuple[str, ...]
    start: int
    end: int
    blocks: tuple[str, ...]
    opens: bool


def directives(text: str) -> Iterator[Directive]:
    """The directives of a configuration file, in order. A block's own directive comes with ``opens``."""
    words: list[str] = []
    start = 0
    blocks: list[str] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:  # a stray character: nginx -t will have its say
            position += 1
            continue
        position = match.end()
        if match.lastgroup == "word":
            if not words:
                start = match.start()
            words.append(match.group().strip("\"'"))
        elif match.lastgroup == "mark":
            if words:
                yield Directive(tuple(words), start, match.end(), tuple(blocks), match.group() == "{")
            if match.group() == "{":
                blocks.append(words[0] if words else "")
            elif match.group() == "}" and blocks:
                blocks.pop()
            words = []


def _protocols_line() -> str:
    return f"ssl_protocols {' '.join(PROTOCOLS)};"


def _ciphers_line() -> str:
    return f"ssl_ciphers {':'.join(CIPHERS)};"


def replacement(found: Directive) -> str | None:
    """What a directive must become: None to keep it, an empty text to remove it."""
    name, arguments = found.words[0], found.words[1:]
    if name == "ssl_protocols":
        return None if set(arguments) <= set(PROTOCOLS) else _protocols_line()
    if name == "ssl_ciphers":
        return None if set(":".join(arguments).split(":")) <= set(CIPHERS) else _ciphers_line()
    if name == "ssl_conf_command" and arguments[:1] and arguments[0] in LOWERING:
        return ""
    return None


def modernised(text: str) -> str:
    """A configuration file with its weak directives replaced in place."""
    result: list[str] = []
    position = 0
    for found in directives(text):
        new = replacement(found)
        if new is not None:
            result += [text[position : found.start], new]
            position = found.end
    return "".join([*result, text[position:]])


def dump_files(dump: str) -> dict[str, str]:
    """The files of ``nginx -T``: path as nginx names it to text."""
    parts = re.split(r"^# configuration file (/[^\n]*):\n", dump, flags=re.MULTILINE)
    return {parts[index]: parts[index + 1] for index in range(1, len(parts) - 1, 2)}


def http_level(files: Mapping[str, str], main: str) -> set[str]:
    """The names of the directives that stand directly in ``http``: in the main file or at the top of one it includes.

    A file that is included elsewhere (a server's snippet) may be counted too: it is told apart by where the
    include that fits it stands.
    """
    names: set[str] = set()
    patterns: set[str] = set()
    for found in directives(files.get(main, "")):
        if found.blocks == ("http",):
            names.add(found.words[0])
            if found.words[0] == "include" and len(found.words) > 1:
                patterns.add(found.words[1])
    for path, text in files.items():
        if path != main and any(_fits(path, pattern, main) for pattern in patterns):
            names |= {found.words[0] for found in directives(text) if not found.blocks}
    return names


def _fits(path: str, pattern: str, main: str) -> bool:
    if not pattern.startswith("/"):
        pattern = main.rpartition("/")[0] + "/" + pattern
    translated = "".join(
        "[^/]*" if part == "*" else "[^/]" if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern)
    )
    return re.fullmatch(translated, path) is not None


def includes(files: Mapping[str, str], main: str, path: str) -> bool:
    """Whether a file at ``path`` would be included directly in ``http``."""
    return any(
        found.blocks == ("http",)
        and found.words[0] == "include"
        and len(found.words) > 1
        and _fits(path, found.words[1], main)
        for found in directives(files.get(main, ""))
    )


def wanted(files: Mapping[str, str], main: str, drop_in: str) -> tuple[dict[str, str], list[str]]:
    """New texts of the files to change, and problems.

    :param files: path to text, from the files themselves
    :param main: the path of nginx.conf; ``drop_in``: where to state what ``http`` does not state at all
    """
    result = {path: new for path, text in files.items() if (new := modernised(text)) != text}
    problems: list[str] = []
    stated = http_level(files, main)
    missing = [
        line
        for name, line in (("ssl_protocols", _protocols_line()), ("ssl_ciphers", _ciphers_line()))
        if name not in stated
    ]
    if missing:
        if includes(files, main, drop_in):
            result[drop_in] = "# Managed by care.remediation (control expo_tls_obsolete)\n" + "\n".join(missing) + "\n"
        else:
            problems.append(
                f"{main} states no {' or '.join(line.split()[0] for line in missing)} in its http block and includes "
                f'no {drop_in}: add "include {drop_in.rpartition("/")[0]}/*.conf;" to the http block'
            )
    for path, text in files.items():
        for found in directives(text):
            if found.words[0] == "listen" and "ssl" in found.words and found.blocks[:1] in (("stream",), ("mail",)):
                block = found.blocks[0]
                if not any(
                    other.words[0] == "ssl_protocols" and other.blocks[:1] == (block,) for other in directives(text)
                ):
                    problems.append(
                        f'{path}: the {block} block serves TLS without ssl_protocols: add "{_protocols_line()}" to it'
                    )
    return result, problems
