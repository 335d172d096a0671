"""An edit of `.env` changes one line and nothing else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import PrerequisiteError, UsageError
from harness.stack import env_file

NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(
    st.characters(codec="utf-8", exclude_characters="'\n\r\x00", exclude_categories=["Cs", "Cc", "Zl", "Zp"])
).filter(lambda text: "${" not in text)
LINES = st.one_of(
    st.builds("# {}".format, st.text(alphabet="abc =#'\"", max_size=12)),
    st.just(""),
    st.builds("{}={}".format, NAMES, st.sampled_from(["", "x", "a,b", '"two words"', "'#'", "1 # why"])),
)


@given(lines=st.lists(LINES, max_size=12), name=NAMES, value=VALUES)
def test_an_edit_sets_its_name_and_leaves_every_other_line_as_it_was(lines, name, value):
    text = "\n".join(lines) + "\n"
    edited = env_file.edit(text, name, value)
    assert env_file.parse(edited) == env_file.parse(text) | {name: value}
    kept = [line for line in edited.split("\n") if not line.startswith(f"{name}=")]
    assert kept == [line for line in text.split("\n") if not line.startswith(f"{name}=")] or name not in env_file.parse(
        text
    )


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_what_is_rendered_parses_to_the_same_values(values):
    assert env_file.parse(env_file.render(values)) == values


def test_comments_order_and_unknown_keys_survive_an_edit():
    text = "# head\nZEBRA=1\nUSE_DUMMY_WORKER=True # the mode\n\nexport UNKNOWN='kept as is'\n# tail"
    edited = env_file.edit(text, "USE_DUMMY_WORKER", "False")
    assert edited == text.replace("USE_DUMMY_WORKER=True", "USE_DUMMY_WORKER=False")


def test_a_missing_name_is_appended_even_when_the_last_line_has_no_end():
    assert env_file.edit("A=1", "B", "2") == "A=1\nB=2\n"
    assert env_file.edit("", "B", "2") == "B=2\n"


def test_the_assignment_that_counts_is_the_one_changed():
    assert env_file.edit("A=1\nA=2\n", "A", "3") == "A=1\nA=3\n"


def test_a_commented_assignment_is_no_assignment():
    assert env_file.edit("# A=1\n", "A", "2") == "# A=1\nA=2\n"


def test_a_file_with_windows_line_ends_keeps_them():
    assert env_file.edit("A=1\r\nB=2 # two\r\n", "B", "3") == "A=1\r\nB=3 # two\r\n"


@pytest.mark.parametrize("value", ["it's", "two\nlines", "carriage\rreturn", "${HOME}"])
def test_a_value_that_readers_would_read_differently_is_refused_without_showing_it(value):
    with pytest.raises(UsageError) as caught:
        env_file.edit("", "SOME_NAME", value)
    assert caught.value.reference == "setting-unwritable"
    assert "SOME_NAME" in str(caught.value)
    assert value not in str(caught.value).replace("or ${,", "")


def test_a_changed_file_keeps_its_permission_bits(tmp_path: Path):
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o640)
    assert env_file.change(path, "A", "2") is True
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_text() == "A=2\n"


def test_an_edit_that_changes_nothing_does_not_touch_the_file(tmp_path: Path):
    path = tmp_path / ".env"
    path.write_text("A='1'\n")
    before = path.stat()
    assert env_file.change(path, "A", "1") is False
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_new_file_is_private_and_a_copy_of_the_example(tmp_path: Path):
    example = tmp_path / ".env.example"
    example.write_text("# text\nA=1\n")
    assert env_file.create(tmp_path / ".env", example) is True
    assert (tmp_path / ".env").read_text() == example.read_text()
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_an_existing_file_is_never_replaced_by_the_example(tmp_path: Path):
    (tmp_path / ".env.example").write_text("A=1\n")
    (tmp_path / ".env").write_text("A=mine\n")
    assert env_file.create(tmp_path / ".env", tmp_path / ".env.example") is False
    assert (tmp_path / ".env").read_text() == "A=mine\n"


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / ".env"
    path.write_text("A=old\n")

    def broken(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(PrerequisiteError) as caught:
        env_file.change(path, "A", "new")
    assert caught.value.reference == "env-file-unwritable"
    assert path.read_text() == "A=old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == [".env"]


def test_an_edit_through_a_link_changes_the_file_behind_it(tmp_path: Path):
    (tmp_path / "real").write_text("A=1\n")
    (tmp_path / ".env").symlink_to("real")
    env_file.change(tmp_path / ".env", "A", "2")
    assert (tmp_path / ".env").is_symlink()
    assert (tmp_path / "real").read_text() == "A=2\n"


def test_a_file_that_is_no_text_is_named_without_its_content(tmp_path: Path):
    (tmp_path / ".env").write_bytes(b"SECRET=\xff\xfehush\n")
    with pytest.raises(PrerequisiteError) as caught:
        env_file.read(tmp_path / ".env")
    assert caught.value.reference == "env-file-unreadable"
    assert "hush" not in caught.value.render()


def test_a_file_without_end_is_refused_and_one_with_nothing_is_empty(tmp_path: Path):
    for path, said in ((Path("/dev/zero"), "is no regular file"), (tmp_path / "large", "more than")):
        if path.parent == tmp_path:
            path.write_bytes(b"A=1\n" * (env_file.MOST_BYTES // 4 + 1))
        with pytest.raises(PrerequisiteError, match=said) as caught:
            env_file.read(path)
        assert caught.value.reference == "env-file-unreadable"
    assert env_file.read(Path(os.devnull)) == {}
