"""Runs listings in processes of their own: killed while they write the index, or many at once.

``kill ROOT``: a listing is killed with SIGKILL at each call by which SQLite is told to write, one after the other.
``race ROOT COUNT``: so many processes each add three runs and list after each; ``ok`` for each that saw its own.
"""

import os
import signal
import sys
import traceback
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3])]

from indexed_runs import FUTURE_NS, add_run  # noqa: E402  # found through the line above

from harness.indexing import store  # noqa: E402
from harness.indexing.listing import list_facts  # noqa: E402

STATEMENTS = 30
RUNS = 3


def forked(work):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001  # told, in a child that ends here
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return child


def kill(root):
    def listing(at):
        def traced(connection, change, real=store._write):
            left = [at]

            def count():
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)

            connection.set_progress_handler(count, 20)
            real(connection, change)

        store._write = traced
        list_facts(root, store.Index(root), now_ns=lambda: FUTURE_NS)

    for at in range(1, STATEMENTS):
        os.waitpid(forked(lambda at=at: listing(at)), 0)


def race(root, count):
    def work(place):
        for turn in range(RUNS):
            folder = add_run(root, place * RUNS + turn)
            index = store.Index(root, patience_s=120)
            found = list_facts(root, index, with_contents=turn == 1, now_ns=lambda: FUTURE_NS)
            assert folder.name in {each.folder for each in found.runs}
            assert not index.warnings, index.warnings
        os.write(1, b"ok\n")

    children = [forked(lambda place=place: work(place)) for place in range(count)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.exit(any(codes))


if __name__ == "__main__":
    if sys.argv[1] == "kill":
        kill(Path(sys.argv[2]))
    else:
        race(Path(sys.argv[2]), int(sys.argv[3]))
