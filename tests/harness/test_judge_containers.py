"""Containers of killed judges are told from those of judges at work, by the process that made them."""

import os
import subprocess
import uuid
from contextlib import closing
from pathlib import Path

import docker
import pytest

from harness.stack.judge_containers import LONGEST_LIFE_S, PROCESS, labels, left_behind, remove_left_behind
from worker.contract import Label

NOW = 1_800_000_000.0


def container(marks, *, age_s=1.0):
    return {"Id": "c1", "Labels": marks, "Created": NOW - age_s}


def is_left(marks, **kind):
    return left_behind([container(marks, **kind)], now=lambda: NOW) == ("c1",)


@pytest.fixture
def ended():
    """The number of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


def marked(**changed):
    parts = dict(zip(("boot", "space", "process", "started"), labels()[PROCESS].split("/"), strict=True))
    return labels() | {PROCESS: "/".join(map(str, (parts | changed).values()))}


def test_the_container_of_a_judge_at_work_is_left_in_peace_for_as_long_as_it_takes():
    assert not is_left(labels(), age_s=LONGEST_LIFE_S * 9)


def test_the_container_of_a_judge_that_is_gone_is_a_leftover_at_once(ended):
    assert is_left(marked(process=ended))


def test_another_process_of_the_same_number_is_not_the_judge():
    assert is_left(marked(started="1"))


def test_a_judge_that_nobody_has_waited_for_is_gone():
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            ours = labels()
            started = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()[19]
            assert not is_left(ours | {PROCESS: marked(process=process.pid, started=started)[PROCESS]})
            process.kill()
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            assert is_left(ours | {PROCESS: marked(process=process.pid, started=started)[PROCESS]})
        finally:
            process.kill()


@pytest.mark.parametrize(
    "marks",
    [marked(boot="another"), marked(space="pid:[1]"), labels() | {PROCESS: ""}, labels() | {PROCESS: "a/b"}],
    ids=["another start of the machine", "another namespace", "no process", "nonsense"],
)
def test_where_the_process_cannot_be_looked_at_age_tells(marks):
    assert not is_left(marks, age_s=LONGEST_LIFE_S / 2)
    assert is_left(marks, age_s=LONGEST_LIFE_S * 2)


@pytest.mark.parametrize("marks", [None, {}, {PROCESS: "a/b/1/1"}, {Label.INSTANCE: "ladder"}])
def test_what_no_judge_has_made_is_nobodys_leftover(marks):
    assert not is_left(marks, age_s=LONGEST_LIFE_S * 9)


def test_a_machine_that_shows_nothing_still_labels(tmp_path):
    marks = labels(tmp_path)
    assert marks[PROCESS] == f"//{os.getpid()}/"
    found = [container(marks), container(marks, age_s=LONGEST_LIFE_S * 2) | {"Id": "c2"}]
    assert left_behind(found, now=lambda: NOW, proc=tmp_path) == ("c2",)


@pytest.mark.docker
def test_only_what_a_killed_judge_left_is_removed(ended):
    with closing(docker.from_env()) as client:
        made = {
            name: client.containers.create("codex-worker:latest", name=f"{name}-{uuid.uuid4()}", labels=marks)
            for name, marks in {"gone": marked(process=ended), "at-work": labels()}.items()
        }
        try:
            assert remove_left_behind(client) >= 1
            kept = {each.id for each in client.containers.list(all=True)}
            assert (made["gone"].id in kept, made["at-work"].id in kept) == (False, True)
        finally:
            made["at-work"].remove(force=True)
