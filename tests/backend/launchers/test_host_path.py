"""Which directory of the engine's machine a workspace is, from texts and answers captured on Docker Engine 20.10.24."""

from __future__ import annotations

from pathlib import Path

import pytest
from captured_answers import TEXTS, inspect

from backend.launchers.base import LaunchRefusedError
from backend.launchers.host_path import ProcessTexts, Rule, WorkspaceMap, own_container_id, read_process_texts

OWN_ID = TEXTS["id"]
SEVERAL = inspect("own container with several mounts")["Mounts"]


def texts(mountinfo="", cgroup="", hostname=""):
    return ProcessTexts(mountinfo, cgroup, hostname)


class TestOwnContainer:
    def test_it_is_found_in_mountinfo(self):
        assert own_container_id(texts(mountinfo=TEXTS["inside mountinfo"])) == OWN_ID

    def test_else_in_the_cgroup(self):
        assert own_container_id(texts(cgroup=TEXTS["inside cgroup"])) == OWN_ID
        assert own_container_id(texts(cgroup=f"0::/system.slice/docker-{OWN_ID}.scope\n")) == OWN_ID

    def test_else_in_the_hostname(self):
        assert own_container_id(texts("", "0::/\n", TEXTS["inside hostname"])) == OWN_ID[:12]

    def test_podman_keeps_the_hostname_file_elsewhere(self):
        root = f"/containers/storage/overlay-containers/{OWN_ID}/userdata/hostname"
        line = f"700 600 0:25 {root} /etc/hostname rw,nosuid - tmpfs tmpfs rw\n"
        assert own_container_id(texts(line)) == OWN_ID

    def test_the_mounts_of_containers_on_their_host_are_not_our_own(self):
        assert OWN_ID in TEXTS["host mountinfo"]
        assert own_container_id(texts(TEXTS["host mountinfo"], "0::/user.slice/user-0.slice/session-1.scope\n")) is None

    @pytest.mark.parametrize(
        "look_alike",
        [
            texts(cgroup="4:memory:/service/046a19f29091902da17ffd751aae66a8\n"),
            texts(cgroup=f"0::/docker/{OWN_ID}/init.scope/x\n"),
            texts(hostname="build-server"),
            texts(hostname="deadbeefdead0"),
            texts(mountinfo=f"1 2 0:1 /home/containers/{OWN_ID}/hostname /mnt/copy rw - ext4 /dev/sda1 rw\n"),
            texts(mountinfo="short line\n"),
        ],
    )
    def test_look_alikes_are_not_taken(self, look_alike):
        assert own_container_id(look_alike) is None


def test_this_process_can_be_read_wherever_it_runs():
    assert " - proc " in read_process_texts().mountinfo


def workspace_map(root="/srv/ws", *, configured="", own_mounts=None, api=(1, 41)):
    return WorkspaceMap(Path(root), configured, own_mounts, api)


class TestRules:
    def test_the_configured_directory_wins(self):
        found = workspace_map("/data/workspaces", configured="/host/ws", own_mounts=SEVERAL)
        assert found.rule is Rule.CONFIGURED
        assert found.mount(Path("/data/workspaces/p1"))["Source"] == "/host/ws/p1"

    def test_a_process_on_the_host_uses_its_own_path(self):
        found = workspace_map()
        assert found.rule is Rule.HOST_PROCESS
        assert found.mount(Path("/srv/ws/p1")) == {
            "Type": "bind",
            "Source": "/srv/ws/p1",
            "Target": "/workspace",
            "ReadOnly": False,
            "BindOptions": {"Propagation": "rprivate"},
        }

    def test_in_a_container_the_longest_matching_mount_counts(self):
        found = workspace_map("/data/workspaces/deep", own_mounts=SEVERAL)
        assert found.rule is Rule.OWN_MOUNT
        assert found.mount(Path("/data/workspaces/deep/p1"))["Source"] == "/srv/workspaces/deep/p1"

    def test_a_mount_with_a_longer_name_beside_it_does_not_match(self):
        found = workspace_map("/data/workspaces-2", own_mounts=SEVERAL)
        assert found.mount(Path("/data/workspaces-2/p1"))["Source"].endswith("/_data/workspaces-2/p1")

    def test_a_volume_becomes_a_bind_of_its_directory_on_engines_that_ignore_subpaths(self):
        mount = workspace_map("/data/ws", own_mounts=SEVERAL, api=(1, 44)).mount(Path("/data/ws/p1"))
        assert (mount["Type"], mount["Source"]) == ("bind", "/var/lib/docker/volumes/capture-volume/_data/ws/p1")
        # Below its own data root the engine accepts nothing tighter.
        assert mount["BindOptions"] == {"Propagation": "rslave"}

    @pytest.mark.parametrize("api", [(1, 45), (1, 52), (2, 0)])
    def test_a_volume_keeps_its_name_and_gets_a_subpath_on_newer_ones(self, api):
        mount = workspace_map("/data/ws", own_mounts=SEVERAL, api=api).mount(Path("/data/ws/p1"))
        assert (mount["Type"], mount["Source"]) == ("volume", "capture-volume")
        assert mount["VolumeOptions"] == {"NoCopy": True, "Subpath": "ws/p1"}

    def test_a_volume_of_another_driver_cannot_be_bound(self):
        remote = [SEVERAL[0] | {"Driver": "nfs"}]
        with pytest.raises(LaunchRefusedError, match="cannot be shared") as refused:
            workspace_map("/data/ws", own_mounts=remote).mount(Path("/data/ws/p1"))
        assert "HOST_WORKSPACES_DIR" in refused.value.hint

    def test_a_tmpfs_cannot_be_shared(self):
        with pytest.raises(LaunchRefusedError, match="tmpfs"):
            workspace_map("/data/scratch", own_mounts=SEVERAL).mount(Path("/data/scratch/p1"))

    def test_a_workspace_in_the_containers_own_layer_cannot_be_shared(self):
        with pytest.raises(LaunchRefusedError) as refused:
            workspace_map("/srv/ws", own_mounts=SEVERAL).mount(Path("/srv/ws/p1"))
        assert refused.value.reference == "workspace-not-mapped"

    def test_a_configured_directory_must_be_absolute(self):
        with pytest.raises(LaunchRefusedError, match="not absolute"):
            workspace_map(configured="workspaces").mount(Path("/srv/ws/p1"))

    @pytest.mark.parametrize("outside", ["/srv/ws", "/srv", "/etc", "/srv/ws-2/p1", "/srv/ws/../other", "p1"])
    @pytest.mark.parametrize("configured", ["", "/host/ws"])
    def test_nothing_outside_the_root_is_ever_mounted(self, outside, configured):
        with pytest.raises(LaunchRefusedError) as refused:
            workspace_map(configured=configured).mount(Path(outside))
        assert refused.value.reference == "workspace-outside-root"
