"""A run that goes on while a test looks: its log grows line by line, and its folder is held as by the judge."""

import os
import shutil

from harness.evidence import layout
from harness.evidence.guarded import lock, open_folder


class RunningRun:
    """A sealed run played again into a folder of the same name.

    Args:
        sealed: The run as it is in the end.
        root: Where it goes on.
    """

    def __init__(self, sealed, root):
        self.final = root / sealed.name
        self.folder = root / f"{sealed.name}.partial"
        self._sealed = sealed
        self.folder.mkdir()
        (self.folder / layout.RUN).write_bytes((sealed / layout.RUN).read_bytes())
        (self.folder / layout.EVENTS).touch()
        self._lines = (sealed / layout.EVENTS).read_bytes().splitlines(keepends=True)
        self._lock = open_folder(self.folder)
        lock(self._lock)

    @property
    def left(self):
        return len(self._lines)

    def go_on(self, count):
        """Write so many further lines, the last of them torn for a moment."""
        now, self._lines = self._lines[:count], self._lines[count:]
        with (self.folder / layout.EVENTS).open("ab") as log:
            for line in now:
                log.write(line[:7])
                log.flush()
                log.write(line[7:])
                log.flush()

    def end(self):
        """Write the rest, seal the run and let it go."""
        self.go_on(self.left)
        shutil.copytree(self._sealed, self.folder, dirs_exist_ok=True)
        self.folder.chmod(0o700)
        self.folder.rename(self.final)
        self.let_go()

    def let_go(self):
        """The process is gone, whether it came to an end or not."""
        os.close(self._lock)
