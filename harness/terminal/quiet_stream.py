"""A stream that never raises: a display that breaks must not break the run that it shows.

A closed pipe, a closed file or a full disk makes it silent for good. Signs that the encoding does not have are replaced
one for one, because a table counts columns; the doubt is a sign of two columns, which then leaves one empty.
"""

from __future__ import annotations

from typing import IO, Final, cast

_OUR_SIGNS: Final = str.maketrans({"…": "~", "→": ">", "─": "-"})


def quiet(stream: IO[str]) -> IO[str]:
    """Wrap a stream; only what displays use of one is there."""
    return stream if isinstance(stream, _Quiet) else cast("IO[str]", _Quiet(stream))


class _Quiet:
    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._is_broken = False
        self.encoding: str = getattr(stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        if not self._is_broken:
            try:
                self._stream.write(_fitted(text, self.encoding))
            except (OSError, ValueError, LookupError):
                self._is_broken = True
        return len(text)

    def flush(self) -> None:
        if not self._is_broken:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._is_broken = True

    def isatty(self) -> bool:
        try:
            return self._stream.isatty()
        except (OSError, ValueError):
            return False


def _fitted(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_OUR_SIGNS).encode(encoding, "replace").decode(encoding)
    return text
