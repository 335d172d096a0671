"""Where keys lie: which one a run signs with, and which files are refused before anything is signed."""

import json
import os
import stat

import pytest

from harness.config import Settings
from harness.errors import PrerequisiteError, UsageError
from harness.sealing.commands import list_keys, new_key, pin_key
from harness.sealing.key_files import default_path, signing_key
from harness.sealing.keys import SigningKey
from harness.sealing.pinning import read_pinned


class Place:
    """A checkout with evidence in it, and a home beside it."""

    def __init__(self, root):
        self.checkout, self.home = root / "checkout", root / "home"
        self.evidence = self.checkout / "docs/evidence"
        self.keys = self.evidence / "keys"
        self.evidence.mkdir(parents=True)
        self.home.mkdir()
        self.environ = {"HOME": str(self.home)}

    @property
    def settings(self):
        return Settings(self.checkout, self.checkout / ".env", self.environ)

    def new(self, out=None, name=""):
        return new_key(self.settings, self.evidence, out=out, name=name)

    def signing(self):
        return signing_key(self.settings, self.evidence)

    def refused(self, path):
        self.environ["LADDER_SIGNING_KEY"] = str(path)
        with pytest.raises(PrerequisiteError) as caught:
            self.signing()
        assert str(path) in caught.value.message
        assert caught.value.exit_code == 3
        return caught.value.reference


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def body(path):
    return path.read_text().splitlines()[-2]


def test_without_a_key_nothing_is_signed(place):
    assert place.signing() is None
    place.environ.clear()
    assert place.signing() is None


def test_the_default_key_signs_once_it_is_there(place):
    said = place.new(name="me")
    path = place.home / ".config/ladder/signing-key.pem"
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert place.signing().public.name == "me"
    assert f"key id: {place.signing().public.keyid}\n" in said
    assert "ladder key pin default" in said


def test_the_configuration_folder_of_the_user_is_honoured_if_it_is_one(place, tmp_path):
    place.environ["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    assert default_path(place.settings) == tmp_path / "config/ladder/signing-key.pem"
    # A relative one is to be ignored, says the specification of these folders.
    place.environ["XDG_CONFIG_HOME"] = "config"
    assert default_path(place.settings) == place.home / ".config/ladder/signing-key.pem"


def test_a_key_that_is_named_outranks_the_default_and_an_empty_name_means_none(place, tmp_path):
    place.new(name="default")
    said = place.new(tmp_path / "other.pem", "other")
    assert f"LADDER_SIGNING_KEY={tmp_path}/other.pem" in said
    place.environ["LADDER_SIGNING_KEY"] = str(tmp_path / "other.pem")
    assert place.signing().public.name == "other"
    place.environ["LADDER_SIGNING_KEY"] = ""
    assert place.signing() is None


def test_no_answer_holds_a_byte_of_a_private_key(place, tmp_path):
    path = tmp_path / "key.pem"
    said = place.new(path) + pin_key(place.settings, place.keys, str(path))
    place.environ["LADDER_SIGNING_KEY"] = str(path)
    said += list_keys(place.settings, place.keys, as_json=False) + list_keys(place.settings, place.keys, as_json=True)
    secret = body(path)[22:]
    assert not any(secret[at : at + 8] in said for at in range(len(secret) - 8))


def test_a_key_is_never_overwritten_whatever_lies_there(place, tmp_path):
    for path in (tmp_path / "key.pem", tmp_path / "link.pem"):
        place.new(path) if path.name == "key.pem" else path.symlink_to(tmp_path / "new.pem")
        before = path.readlink() if path.is_symlink() else path.read_bytes()
        with pytest.raises(UsageError) as caught:
            place.new(path)
        assert caught.value.reference == "signing-key-exists"
        assert (path.readlink() if path.is_symlink() else path.read_bytes()) == before
    assert not (tmp_path / "new.pem").exists()


def in_the_checkout(place):
    return place.checkout / "deep/key.pem"


def in_the_evidence(place):
    return place.evidence / "key.pem"


def among_the_pinned_keys(place):
    return place.keys / "key.pem"


def in_another_repository(place):
    other = place.home / "other"
    (other / ".git").mkdir(parents=True)
    return other / "key.pem"


def in_a_worktree(place):
    tree = place.home / "tree"
    tree.mkdir()
    (tree / ".git").write_text("gitdir: elsewhere\n")
    return tree / "inner/key.pem"


def behind_a_link(place):
    (place.home / "link").symlink_to(place.checkout)
    return place.home / "link/key.pem"


def behind_dots(place):
    return place.home / "../checkout/key.pem"


PLACES = [
    in_the_checkout,
    in_the_evidence,
    among_the_pinned_keys,
    in_another_repository,
    in_a_worktree,
    behind_a_link,
    behind_dots,
]


@pytest.mark.parametrize("where", PLACES)
def test_a_private_key_is_never_made_where_it_could_be_committed(place, where):
    path = where(place)
    with pytest.raises(UsageError) as caught:
        place.new(path)
    assert caught.value.reference == "signing-key-misplaced"
    assert "--out" in caught.value.hint
    assert not path.exists()


@pytest.mark.parametrize("where", PLACES)
def test_a_private_key_that_lies_where_it_could_be_committed_signs_nothing(place, where):
    path = where(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SigningKey.new().pem)
    path.chmod(0o600)
    assert place.refused(path) == "signing-key-misplaced"


def test_an_evidence_root_elsewhere_holds_no_private_key_either(place, tmp_path):
    place.evidence = tmp_path / "elsewhere"
    with pytest.raises(UsageError):
        place.new(tmp_path / "elsewhere/key.pem")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_key_that_others_can_use_is_refused_with_the_repair(place, tmp_path, mode):
    path = tmp_path / "key.pem"
    place.new(path)
    path.chmod(mode)
    assert place.refused(path) == "signing-key-exposed"


def test_what_cannot_be_read_is_refused_and_no_pipe_is_waited_for(place, tmp_path):
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("missing", "folder", "pipe", "dangling"):
        assert place.refused(tmp_path / name) == "signing-key-unreadable"


def test_a_default_key_that_dangles_is_an_error_and_not_no_key(place):
    path = place.home / ".config/ladder/signing-key.pem"
    path.parent.mkdir(parents=True)
    path.symlink_to("nowhere")
    with pytest.raises(PrerequisiteError) as caught:
        place.signing()
    assert caught.value.reference == "signing-key-unreadable"


@pytest.mark.parametrize("data", [b"", b"x" * 100_000, SigningKey.new().public.pem.encode()])
def test_what_is_no_private_key_is_refused(place, tmp_path, data):
    path = tmp_path / "key.pem"
    path.write_bytes(data)
    path.chmod(0o600)
    assert place.refused(path) == "signing-key-invalid"


def test_a_key_cannot_be_called_anything(place, tmp_path):
    with pytest.raises(UsageError) as caught:
        place.new(tmp_path / "key.pem", "a\nb")
    assert caught.value.reference == "key-name-invalid"
    assert not (tmp_path / "key.pem").exists()


def test_a_folder_that_cannot_be_written_is_told(place, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PrerequisiteError) as caught:
        place.new(tmp_path / "file/key.pem")
    assert caught.value.reference == "signing-key-unwritable"


# Pinned keys.


def test_a_key_is_pinned_by_its_public_half_from_either_half(place, tmp_path):
    path = tmp_path / "key.pem"
    place.new(path, "ci")
    said = pin_key(place.settings, place.keys, str(path))
    (pinned,) = place.keys.iterdir()
    assert str(pinned) in said
    assert "PRIVATE" not in pinned.read_text()
    assert body(path)[22:] not in pinned.read_text()
    found = read_pinned(place.keys)
    ((keyid, key),) = found.keys.items()
    assert (pinned.name, key.name, found.odd) == (f"{keyid}.pub.pem", "ci", {})
    other = tmp_path / "other/keys"
    pin_key(place.settings, other, str(pinned))
    assert read_pinned(other).keys.keys() == {keyid}


def test_pinning_twice_changes_nothing(place):
    place.new()
    pin_key(place.settings, place.keys, "default")
    before = {path: path.read_bytes() for path in place.keys.iterdir()}
    assert pin_key(place.settings, place.keys, "default").startswith("pinned before: ")
    assert {path: path.read_bytes() for path in place.keys.iterdir()} == before


def test_a_file_under_the_name_of_another_key_is_no_pinned_key(place, tmp_path):
    place.new()
    pin_key(place.settings, place.keys, "default")
    (pinned,) = place.keys.iterdir()
    stranger = SigningKey.new().public
    pinned.write_text(stranger.pem)
    (place.keys / "note.txt").write_text("no key")
    (place.keys / f"{stranger.keyid}.pub.pem").symlink_to(pinned)
    os.mkfifo(place.keys / "pipe.pub.pem")
    found = read_pinned(place.keys)
    assert found.keys == {}
    assert set(found.odd) == {pinned.name, f"{stranger.keyid}.pub.pem", "pipe.pub.pem"}
    with pytest.raises(UsageError) as caught:
        pin_key(place.settings, place.keys, "default")
    assert caught.value.reference == "key-clash"
    assert pinned.name in list_keys(place.settings, place.keys, as_json=False)


@pytest.mark.parametrize("which", ["default", "missing.pem"])
def test_a_key_that_is_not_there_cannot_be_pinned(place, tmp_path, which):
    with pytest.raises(PrerequisiteError) as caught:
        pin_key(place.settings, place.keys, which if which == "default" else str(tmp_path / which))
    assert caught.value.reference == "key-unreadable"


def test_what_is_no_key_cannot_be_pinned(place, tmp_path):
    (tmp_path / "x.pem").write_text("x")
    with pytest.raises(UsageError) as caught:
        pin_key(place.settings, place.keys, str(tmp_path / "x.pem"))
    assert caught.value.reference == "key-invalid"


def test_the_list_tells_what_signs_and_what_is_pinned_for_people_and_programs(place):
    assert "runs are unsigned" in list_keys(place.settings, place.keys, as_json=False)
    place.new(name="ci")
    assert "ladder key pin default" in list_keys(place.settings, place.keys, as_json=False)
    pin_key(place.settings, place.keys, "default")
    assert "ladder key pin" not in list_keys(place.settings, place.keys, as_json=False)
    found = json.loads(list_keys(place.settings, place.keys, as_json=True))
    assert found["pinned"] == [found["signing"]]
    assert found["signing"]["name"] == "ci"
    assert found["signing"]["openssh"].startswith("ssh-ed25519 ")


def test_without_a_home_there_is_no_default_place(place):
    place.environ.clear()
    with pytest.raises(PrerequisiteError) as caught:
        place.new()
    assert caught.value.reference == "home-unknown"
