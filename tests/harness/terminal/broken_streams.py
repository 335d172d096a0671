"""Streams that fail the way that real ones do, and a screen of a given size."""

import io


class BrokenPipe(io.StringIO):
    """Takes some writes, then its reader is gone."""

    def __init__(self, after=0):
        super().__init__()
        self.left = after
        self.refused = 0

    def write(self, text):
        if self.left <= 0:
            self.refused += 1
            raise BrokenPipeError(32, "Broken pipe")
        self.left -= 1
        return super().write(text)


class FullDisk(io.StringIO):
    def flush(self):
        raise OSError(28, "No space left on device")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def ascii_only():
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict", write_through=True)


def written(stream):
    return stream.buffer.getvalue().decode("ascii")
