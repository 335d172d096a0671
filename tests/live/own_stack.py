"""A stack of one's own for whole suites: a name, a port, settings and data, and nothing left of it afterwards."""

import secrets
from contextlib import contextmanager

from climbs import Climber, left_of
from support.free_ports import free_port


class Stack:
    """One stack, and what can be done with it from the command line."""

    def __init__(self, home):
        self.climber = Climber(home)
        self.project = f"lt-{secrets.token_hex(3)}"
        self._own = {
            "LADDER_PROJECT": self.project,
            "PORT": str(free_port()),
            "DATA_DIR": str(home / "data"),
        }

    def suite(self, **environ):
        return self.climb("suite", **environ)

    def climb(self, *arguments, **environ):
        return self.climber.climb(*arguments, **self._own, **environ)

    def command(self, *arguments, **environ):
        return self.climber.command(*arguments, **self._own, **environ)

    def mode(self):
        lines = (self.climber.home / ".env").read_text().splitlines()
        return next(line for line in lines if line.startswith("USE_DUMMY_WORKER="))

    def down(self):
        return self.command("down")


@contextmanager
def own_stack(home, engine):
    """A stack that is taken down at the end."""
    stack = Stack(home)
    try:
        yield stack
    finally:
        assert stack.down().returncode == 0
        assert left_of(engine, stack.project) == []
