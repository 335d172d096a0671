"""The first lines of a worker without a container: run as a script, in the worker's own process.

Called as ``python -I -S -B dummy_child.py LIFELINE_FD PROGRAM_ROOT MODULE``. It decides two things.

*Where modules come from*: ``-I`` and ``-S`` leave the standard library alone on the path, and the program's root is
appended *behind* it, so nothing in the workspace (the working directory) can shadow a module.

*When to die*: the read end of a pipe is the lifeline. The backend holds the only write end and never writes, so
end-of-file means that the backend is gone, however it went, and the whole process group is killed. PR_SET_PDEATHSIG
would do this when the launching *thread* ends.

Doubt: code that closes the descriptor or leaves the process group escapes; the dummy engine runs no foreign code.
"""

from __future__ import annotations

import _thread
import os
import runpy
import signal
import sys


def _die_with(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Tie this process to its backend and become the program."""
    lifeline, root, module = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    os.set_inheritable(lifeline, False)  # noqa: FBT003  # the standard library's signature
    # threading would cost 2 ms to import and would wait for this thread at exit.
    _thread.start_new_thread(_die_with, (lifeline,))
    sys.path.append(root)
    sys.argv[1:] = []
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
