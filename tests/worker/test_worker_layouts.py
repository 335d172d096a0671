"""Programs of many layouts under every rule: each file still parses, and still prints what it printed."""

import contextlib
import io
import sys
from types import SimpleNamespace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from worker_bench import GENERATE

from worker.rules import plan
from worker.rules.problem import EditError
from worker.rules.texts import README

HEADS = (
    "",
    '"""Doc."""\n',
    "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n",
    '"""Doc."""; A = 1\n',
    "'''\ufeff ä\n'''\n",
)
IMPORTS = (
    "",
    "import os\n",
    "from __future__ import annotations\nimport os, sys\n",
    "import os; B = '''\n'''\n",
    "try:\n    import os\nexcept ImportError:\n    os = None\n",
)
COUNTS = ("N = 10\n", "N: int = 10  # ten\n", "if True:\n    N = 10\n", "N = (10)\n", "N = 5 + 5\n")
FUNCTIONS = (
    "def fibonacci(n):\n    a = [0, 1]\n    while len(a) < n: a.append(a[-2] + a[-1])\n    return a[:n]\n",
    "def fibonacci(n): return [0, 1, 1, 2, 3, 5, 8, 13, 21, 34][:n]\n",
    (
        'def fibonacci(\n  n: int,\n):\n  """Says "ä"."""\n  # why\n'
        "  return [0, 1, 1, 2, 3, 5, 8, 13, 21, 34][:n]; # end\n  # after\n"
    ),
    "from functools import cache\n@cache\ndef fibonacci(n):\n\treturn [0, 1, 1, 2, 3, 5, 8, 13, 21, 34][:n]\n",
)
MAINS = (
    'def main():\n    print(",".join(str(x) for x in fibonacci(N)))\nif __name__ == "__main__":\n    main()\n',
    "if __name__ == '__main__':\n    print(*fibonacci(N), sep=',')\n",
    "def main(): print(', '.join(map(str, fibonacci(N))))\nmain()\n",
    "print(','.join([str(x) for x in fibonacci(N)]))\n",
    (
        "if __name__ == '__main__':\n  for ä in ['ä']:\n    if not N: pass\n"
        "    elif ä: print(','.join(map(str, fibonacci(N))))\n"
    ),
)
ENDS = ("", "# the end", "\n\n\x0c\n", "pass;")
ASKS = (
    "Print the first 10 numbers.",
    "Print the first 7 numbers.",
    "Move fibonacci() to fibonacci.py.",
    "Parse arguments.",
    "Add a helper module utils.py.",
    "Use format_sequence.",
    "Refactor with a guard.",
    "Add a docs folder.",
    "Something else\nimport os",
)
LAYOUTS = st.tuples(*map(st.sampled_from, (HEADS, IMPORTS, COUNTS, FUNCTIONS, MAINS, ENDS))).map("".join)


class Shelf:
    """A project in memory."""

    def __init__(self, files):
        self.files = dict(files)

    def has(self, path):
        return path in self.files

    def read(self, path):
        if path not in self.files:
            raise EditError.missing(path)
        return self.files[path]


def printed(files, name):
    """Run app.py in this process, with the project's own modules around it."""
    modules = {}

    def run(path, as_name):
        namespace = {"__name__": as_name, "__builtins__": builtins}
        exec(compile(files[path], path, "exec", dont_inherit=True), namespace)
        return SimpleNamespace(**namespace)

    def load(module, *rest, **more):
        if f"{module}.py" not in files:
            return __import__(module, *rest, **more)
        if module not in modules:
            modules[module] = run(f"{module}.py", module)
        return modules[module]

    builtins = dict(vars(sys.modules["builtins"])) | {"__import__": load}
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["app.py"])
        run("app.py", name)
    return [int(word) for word in out.getvalue().split(",") if word.strip()]


def compiles(data):
    try:
        compile(data, "app.py", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def planned(ask, shelf):
    """The writes of an edit, or the code of its refusal."""
    try:
        return plan.edit(ask, shelf, today="2025-11-14").writes, None
    except EditError as refused:
        return {}, refused.code.partition(":")[0]


@settings(max_examples=300, deadline=None)
@given(
    layout=LAYOUTS,
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    asks=st.lists(st.sampled_from(ASKS), min_size=1, max_size=6),
)
def test_a_file_that_parsed_before_an_edit_parses_after_it_and_prints_the_same(layout, newline, asks):
    shelf = Shelf({"app.py": layout.replace("\n", newline).encode(), "README.md": README.encode()})
    assume(compiles(shelf.read("app.py")))
    count = len(printed(shelf.files, "__main__"))
    for ask in asks:
        writes, refusal = planned(ask, shelf)
        assert refusal in {None, "missing", "unsupported_layout", "edit_would_break"}
        shelf.files |= writes
        assert all(compiles(data) for path, data in shelf.files.items() if path.endswith(".py"))
        if refusal is None and "first" in ask:
            count = int(ask.split()[3])
        assert printed(shelf.files, "__main__") == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34][:count]
        assert planned(ask, shelf)[0] == {} or ask.startswith("Something")


def test_the_test_above_can_tell_programs_apart():
    app = plan.initial_project(GENERATE, Shelf({})).writes["app.py"]
    assert printed({"app.py": app}, "__main__") == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34]
    assert printed({"app.py": app.replace(b"N = 10", b"N = 3")}, "__main__") == [0, 1, 1]
    assert printed({"app.py": app}, "app") == []
