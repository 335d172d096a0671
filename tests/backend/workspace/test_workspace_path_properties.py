import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.workspace.errors import FileMissingError, InvalidPathError
from backend.workspace.files import list_files, read_file
from backend.workspace.writer import remove_workspace

SECRET = "outside: never to be read"
NAMES = ("a", "b", "c", "app.py")

no_deadline = settings(deadline=None, database=None, max_examples=400)

components = st.sampled_from(
    (*NAMES, "..", "..", ".", "", "missing", "~", "C:", "\\", "\x00", "\n", "\udcff", "é", "x" * 256)
)
paths = st.one_of(
    st.lists(components, max_size=9).map("/".join),
    st.lists(st.sampled_from((*NAMES, "..", ".")), max_size=7).map("/".join),
    st.text(max_size=40),
    st.text(alphabet="./\\~C:ab\x00%", max_size=30),
)
inner_targets = st.lists(st.sampled_from((*NAMES, "..", ".", "missing")), min_size=1, max_size=5).map("/".join)
targets = st.one_of(
    inner_targets,
    inner_targets.map("{root}/".__add__),
    st.sampled_from(("/", "/etc/passwd", "{outside}", "{outside}/secret", "../../outside", "{root}", "{root}/../p1")),
)
kinds = st.one_of(
    st.just("file"), st.just("directory"), st.just("directory"), targets.map(lambda target: f"link {target}")
)
trees = st.dictionaries(
    st.sampled_from([*NAMES, *(f"{outer}/{inner}" for outer in "abc" for inner in NAMES), "a/b/app.py", "a/b/c"]),
    kinds,
    max_size=10,
)


def build(base: Path, tree: dict[str, str]) -> Path:
    root, outside = base / "projects" / "p1", base / "outside"
    root.mkdir(parents=True)
    outside.mkdir()
    (outside / "secret").write_text(SECRET)
    for name in sorted(tree):
        # Planted below a link the entry would land elsewhere; the generator may draw that, a worker may not.
        where = root / name
        if where.parent.is_dir() and where.parent.resolve() == where.parent.absolute():
            plant(where, tree[name].format(root=root, outside=outside))
    return root


def plant(where: Path, kind: str) -> None:
    if kind == "file":
        where.write_text("inside")
    elif kind == "directory":
        where.mkdir()
    else:
        where.symlink_to(kind.removeprefix("link "))


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """One directory below which every example builds and removes its own tree."""
    return tmp_path_factory.mktemp("bench").resolve()


@no_deadline
@given(tree=trees, path=paths)
def test_whatever_is_asked_of_any_tree_only_content_from_inside_is_returned(bench, tree, path):
    root = build(bench / "example", tree)
    try:
        text, _ = read_or_none(root, path)
        if text is not None:
            assert text == "inside"
            assert os.path.realpath(root / path).startswith(f"{root}/")
    finally:
        remove_workspace(bench, "example")


@no_deadline
@given(tree=trees, path=st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map("/".join))
def test_the_walk_finds_what_the_kernel_finds_and_refuses_what_it_finds_outside(bench, tree, path):
    root = build(bench / "example", tree)
    try:
        kernel = (root / path).read_text() if (root / path).is_file() else None
        ours, refused = read_or_none(root, path)
        went_out = any(way in target for target in tree.values() for way in ("..", "{outside}", "/etc", "link /"))
    finally:
        remove_workspace(bench, "example")
    if kernel == SECRET:
        assert refused
    elif not went_out:
        # A link may go out and come back, which only the kernel allows; no link of this tree goes out.
        assert ours == kernel


@no_deadline
@given(tree=trees)
def test_a_listing_names_just_the_files_that_a_read_of_the_same_name_finds(bench, tree):
    root = build(bench / "example", tree)
    try:
        listed = {entry.path: entry.size for entry in list_files(root)}
        readable = {name: read_or_none(root, name)[0] for name in every_name(root)}
    finally:
        remove_workspace(bench, "example")
    assert listed == {name: len(text) for name, text in readable.items() if text is not None}


def read_or_none(root: Path, path: str) -> tuple[str | None, bool]:
    try:
        return read_file(root, path, max_bytes=100).contents, False
    except InvalidPathError:
        return None, True
    except FileMissingError:
        return None, False


def every_name(root: Path) -> list[str]:
    names = []
    for folder, directories, files in os.walk(root):
        names += [os.path.relpath(Path(folder) / name, root) for name in (*directories, *files)]
    return names
