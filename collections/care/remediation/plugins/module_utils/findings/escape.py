# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Text from a report or a directory is hostile; each place that it goes to has its own escape.

HTML is escaped by Jinja's autoescape (``pages``), inventory YAML by ``!unsafe`` (``variables``); here are the
terminal, the spreadsheet and YAML comments.
"""

from __future__ import annotations

import re
from typing import Any, Final

# C0, DEL, C1, line and paragraph separators, bidirectional controls, invisible joiners used to forge names
_CONTROL: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def terminal(text: Any, limit: int = 500) -> str:
    """One line that a terminal shows as it is: no escape sequence, no line break, no change of direction."""
    shown = _CONTROL.sub(lambda match: f"\\u{ord(match.group()):04x}", str(text))
    return shown if len(shown) <= limit else f"{shown[:limit]}…"


def comment(text: Any, limit: int = 300) -> str:
    """What may stand after ``#`` in a YAML file: one line."""
    return terminal(text, limit)


def cell(value: Any) -> str:
    """A spreadsheet cell that no spreadsheet program takes for a formula (OWASP, CSV injection).

    An apostrophe is put in front; the programs show the text. Other control characters are made visible.
    """
    text = "" if value is None else str(value)
    dangerous = text.lstrip(" ").startswith(_FORMULA)
    text = re.sub(r"[\r\n\t]+", " ", text)
    text = terminal(text, 32_000)
    return f"'{text}" if dangerous else text
