r"""Observed text made safe to look at: what a terminal or an XML reader would obey or hide is spelt out instead.

Control and ANSI characters, bidi marks, zero-width signs, odd line ends, surrogates and the two non-characters that XML
forbids become ``\x1b`` or ``\u202e``. Nothing is dropped, so that a reader sees what was there.
"""

from __future__ import annotations

import re
from typing import Final

_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\ufffb\ufffe\uffff]"
)


def block(text: str) -> str:
    """Several lines; line feeds and tabs stay."""
    return _UNSAFE.sub(_spelt, text)


def one_line(text: str) -> str:
    """A single line; line feeds and tabs are spelt out too."""
    return block(text).replace("\n", "\\n").replace("\t", "\\t")


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters; a cut is marked with the original length."""
    return text if len(text) <= limit else f"{text[:limit]}… [cut, {len(text)} characters]"


def _spelt(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
