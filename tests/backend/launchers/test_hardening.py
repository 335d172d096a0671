"""Asked and granted, on inspect answers captured from Docker Engine 20.10.24."""

from __future__ import annotations

import json

import pytest
from captured_answers import inspect

from backend.launchers.hardening import Hardening, granted, parse_memory

# What was asked for when the answers were captured.
ASKED = Hardening(user="10001:10001", network="none", memory_bytes=64 << 20, nano_cpus=1_000_000_000, pids=64)


def test_everything_that_was_asked_for_is_granted_by_a_real_engine():
    assert ASKED.missing(granted(inspect("exited with 0"))) == ()


def test_what_is_asked_for_is_what_is_expected():
    mount = {"Type": "bind", "Source": "/srv/ws/p1", "Target": "/workspace", "ReadOnly": False}
    echoed = [{"Destination": "/workspace", "RW": True, "Propagation": "rprivate"}]
    answer = {"Config": {"User": ASKED.user}, "HostConfig": ASKED.host_config(mount), "Mounts": echoed}
    assert ASKED.missing(granted(answer)) == ()
    assert ASKED.host_config(mount)["Mounts"] == [mount]


def test_facts_hold_the_names_of_variables_and_never_a_value():
    facts = granted(inspect("running"))
    assert "canary-value-of-a-key" in json.dumps(inspect("running"))
    assert "canary-value-of-a-key" not in json.dumps(facts)
    assert facts["environment"]["OPENAI_API_KEY"] == "present"


def test_an_empty_variable_is_absent():
    answer = inspect("running")
    answer["Config"]["Env"] = ["OPENAI_API_KEY=", "PLAIN"]
    assert granted(answer)["environment"] == {"OPENAI_API_KEY": "absent", "PLAIN": "absent"}


@pytest.mark.parametrize(
    ("section", "change", "named"),
    [
        ("Config", {"User": ""}, "user"),
        ("HostConfig", {"NetworkMode": "default"}, "network"),
        ("HostConfig", {"ReadonlyRootfs": False}, "read_only_root"),
        ("HostConfig", {"Tmpfs": {"/tmp": "rw,nosuid,nodev,size=64m,mode=1777"}}, "tmpfs"),
        ("HostConfig", {"Tmpfs": None}, "tmpfs"),
        ("HostConfig", {"CapDrop": ["NET_RAW"]}, "capabilities_dropped"),
        ("HostConfig", {"CapDrop": None}, "capabilities_dropped"),
        ("HostConfig", {"CapAdd": ["SYS_ADMIN"]}, "capabilities_added"),
        ("HostConfig", {"Privileged": True}, "privileged"),
        ("HostConfig", {"SecurityOpt": None}, "no_new_privileges"),
        ("HostConfig", {"SecurityOpt": ["no-new-privileges:false"]}, "no_new_privileges"),
        ("HostConfig", {"SecurityOpt": ["no-new-privileges:true", "seccomp=unconfined"]}, "seccomp"),
        ("HostConfig", {"Memory": 0}, "memory_bytes"),
        ("HostConfig", {"MemorySwap": -1}, "memory_swap_bytes"),
        ("HostConfig", {"NanoCpus": 0}, "nano_cpus"),
        ("HostConfig", {"PidsLimit": None}, "pids_limit"),
        ("HostConfig", {"Ulimits": None}, "ulimits"),
        ("HostConfig", {"IpcMode": "shareable"}, "ipc"),
        ("HostConfig", {"PidMode": "host"}, "host_namespaces"),
        ("HostConfig", {"Init": None}, "init"),
        ("HostConfig", {"Binds": ["/var/run/docker.sock:/var/run/docker.sock"]}, "other_access"),
        ("HostConfig", {"Devices": [{"PathOnHost": "/dev/sda"}]}, "other_access"),
        ("HostConfig", {"VolumesFrom": ["another"]}, "other_access"),
        ("HostConfig", {"AutoRemove": True}, "auto_remove"),
    ],
)
def test_each_option_that_is_not_granted_is_named(section, change, named):
    answer = inspect("running")
    answer[section] |= change
    assert ASKED.missing(granted(answer)) == (named,)


def test_a_second_mount_is_a_finding():
    answer = inspect("own container with several mounts")
    assert "mounts" in ASKED.missing(granted(answer))


def test_a_read_only_or_shared_workspace_is_a_finding():
    answer = inspect("running")
    answer["Mounts"][0] |= {"RW": False, "Propagation": "rshared"}
    assert ASKED.missing(granted(answer)) == ("mounts", "shared_mounts")


@pytest.mark.parametrize(("propagation", "missing"), [("rslave", ()), ("", ()), ("shared", ("shared_mounts",))])
def test_a_mount_that_reaches_only_inwards_is_no_finding(propagation, missing):
    answer = inspect("running")
    answer["Mounts"][0]["Propagation"] = propagation
    assert ASKED.missing(granted(answer)) == missing


def test_a_container_without_any_of_it_misses_all_but_what_is_harmless_by_default():
    assert set(ASKED.missing(granted({}))) == {
        *("user", "network", "read_only_root", "tmpfs", "capabilities_dropped", "no_new_privileges", "memory_bytes"),
        *("memory_swap_bytes", "nano_cpus", "pids_limit", "ulimits", "ipc", "init", "mounts"),
    }


def test_podman_is_read_by_meaning_and_not_by_spelling():
    answer = inspect("running")
    answer["BoundingCaps"] = []
    answer["HostConfig"] |= {
        "CapDrop": ["CAP_CHOWN", "CAP_KILL"],
        "Tmpfs": {"/tmp": "rw,rprivate,noexec,nosuid,nodev,size=64m,mode=1777,tmpcopyup"},
        "Ulimits": [
            {"Name": "RLIMIT_CORE", "Soft": 0, "Hard": 0},
            {"Name": "RLIMIT_NOFILE", "Soft": 1024, "Hard": 1024},
        ],
        "SecurityOpt": ["no-new-privileges"],
    }
    assert ASKED.missing(granted(answer)) == ()
    answer["BoundingCaps"] = ["CAP_SYS_ADMIN"]
    assert ASKED.missing(granted(answer)) == ("capabilities_dropped",)


@pytest.mark.parametrize(
    ("text", "size"), [("512m", 512 << 20), ("1G", 1 << 30), ("8192k", 8 << 20), ("7000000", 7_000_000)]
)
def test_sizes_are_powers_of_1024(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "0", "m", "1.5g", "-1", "512mb"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="memory limit"):
        parse_memory(text)
