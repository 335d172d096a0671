"""The newest output of a container, out of the engine's multiplexed log stream, in bounded memory.

The stream is a row of frames: a header of eight bytes (stream, three zeros, length as big-endian 32 bits), then the
payload (Docker Engine API, ContainerAttach). Only the newest bytes are kept. The engine drops the *oldest* log file
when it rotates and says nothing, so the size of the log file is estimated from above: when it may have reached the size
at which the first file was dropped, the output counts as truncated. The estimate never misses a rotation; binary output
just below that size may be called truncated though it is whole.
"""

from __future__ import annotations

from typing import Final

from backend.launchers.hardening import LOG_MAX_FILES, LOG_MAX_SIZE_BYTES

_HEADER_BYTES: Final = 8
_LINE_OVERHEAD_BYTES: Final = 90
"""``{"log":"","stream":"stderr","time":"…"}`` with nanoseconds and a newline is 75 bytes long."""
_PLAIN: Final = bytes(byte for byte in range(0x20, 0x7F) if byte not in b'"\\<>&')
_ESCAPE_BYTES: Final = 5
"""A byte that is escaped becomes at most six, such as ``\\u003c``."""
ROTATED_BYTES: Final = LOG_MAX_SIZE_BYTES * (LOG_MAX_FILES - 1)


class NewestBytes:
    """Keeps the newest ``max_bytes`` of what it is fed; memory stays below twice that plus one piece."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._fed = 0

    def feed(self, piece: bytes) -> None:
        """Append a piece, forgetting the oldest bytes now and then."""
        self._buffer += piece
        self._fed += len(piece)
        if len(self._buffer) > 2 * self._max_bytes:
            del self._buffer[: -self._max_bytes]

    @property
    def dropped(self) -> bool:
        """Whether more was fed than is kept."""
        return self._fed > self._max_bytes

    def bytes(self) -> bytes:
        """Return the newest bytes, oldest first."""
        return bytes(self._buffer[-self._max_bytes :])


class LogStream:
    """Takes the frames of a log stream apart, whatever the pieces in which they arrive."""

    def __init__(self, max_bytes: int) -> None:
        self._newest = NewestBytes(max_bytes)
        self._header = b""
        self._missing = 0
        self._log_file_bytes = 0

    def feed(self, data: bytes) -> None:
        """Read the next piece of the stream."""
        while data:
            data = self._payload(data) if self._missing else self._next_header(data)

    def _next_header(self, data: bytes) -> bytes:
        wanted = _HEADER_BYTES - len(self._header)
        self._header += data[:wanted]
        if len(self._header) == _HEADER_BYTES:
            self._missing = int.from_bytes(self._header[4:])
            self._header = b""
            self._log_file_bytes += _LINE_OVERHEAD_BYTES
        return data[wanted:]

    def _payload(self, data: bytes) -> bytes:
        piece = data[: self._missing]
        self._missing -= len(piece)
        self._log_file_bytes += len(piece) + _ESCAPE_BYTES * len(piece.translate(None, _PLAIN))
        self._newest.feed(piece)
        return data[len(piece) :]

    def bytes(self) -> bytes:
        """Return the newest output."""
        return self._newest.bytes()

    @property
    def truncated(self) -> bool:
        """Whether older output was dropped here, or may have been dropped by the engine's rotation."""
        return self._newest.dropped or self._log_file_bytes >= ROTATED_BYTES
