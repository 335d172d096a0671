"""An engine in memory: it keeps containers, and answers with what the test planted."""

from __future__ import annotations

import copy

from captured_answers import api_error, captured_error, inspect


class FakeAnswer:
    def __init__(self, chunks):
        self.chunks = chunks
        self.closed = False

    def raise_for_status(self):
        pass

    def iter_content(self, chunk_size):
        yield from self.chunks

    def close(self):
        self.closed = True


class FakeEngine:
    """Stands in for ``docker.APIClient``; ``faults[call]`` is a list of errors to raise, one a call."""

    def __init__(self):
        self.base_url = "http+docker://localhost"
        self.api_version = "1.41"
        self.images = {"codex-worker:latest": "sha256:" + "1" * 64}
        self.by_id = {}
        self.names = {}
        self.calls = []
        self.faults = {}
        self.log_chunks = []
        self.survives = set()
        self.on_start = None
        self.bodies = {}

    def factory(self, timeout_s):
        self.calls.append(("connect", timeout_s))
        self._fault("connect")
        return self

    def _fault(self, call):
        if planted := self.faults.get(call):
            raise planted.pop(0)

    def _called(self, call, *args):
        self.calls.append((call, *args))
        self._fault(call)

    def count(self, call):
        return sum(1 for name, *_ in self.calls if name == call)

    def version(self):
        self._called("version")
        return {"Version": "20.10.24", "ApiVersion": "1.41"}

    def inspect_image(self, image):
        self._called("inspect_image", image)
        if image not in self.images:
            raise captured_error("inspect: image missing")
        return {"Id": self.images[image]}

    def inspect_container(self, container):
        self._called("inspect_container", container)
        return copy.deepcopy(self._find(container))

    def _find(self, container):
        found = self.by_id.get(self.names.get(container, container))
        if found is None:
            raise captured_error("inspect: container missing")
        return found

    def create_container_from_config(self, config, name):
        self._called("create", config, name)
        if name in self.names:
            raise captured_error("create: name taken")
        if config["Image"] not in self.images.values():
            raise captured_error("create: image id missing")
        ref = f"{len(self.by_id):064x}"
        self.names[name] = ref
        self.by_id[ref] = inspect("created") | {"Id": ref, "Name": f"/{name}", "Image": config["Image"]}
        self.by_id[ref]["Config"]["Labels"] = config["Labels"]
        self.bodies[ref] = config
        return {"Id": ref, "Warnings": []}

    def become(self, ref, name):
        """Let a container look like a captured one."""
        self.by_id[ref]["State"] = inspect(name)["State"]

    def start(self, container):
        self._called("start", container)
        self._find(container)
        self.become(container, self.on_start(self.bodies[container]) if self.on_start else "running")

    def wait(self, container, timeout):
        self._called("wait", container, timeout)
        return {"StatusCode": self._find(container)["State"]["ExitCode"]}

    def stop(self, container, timeout):
        self._called("stop", container, timeout)
        if self._find(container)["State"]["Running"] and "stop" not in self.survives:
            self.become(container, "stopped by SIGTERM")

    def kill(self, container):
        self._called("kill", container)
        if not self._find(container)["State"]["Running"]:
            raise captured_error("kill on an exited container")
        if "kill" not in self.survives:
            self.become(container, "killed")

    def remove_container(self, container, *, v, force):
        self._called("remove", container, v, force)
        self._find(container)
        del self.by_id[container]
        self.names = {name: ref for name, ref in self.names.items() if ref != container}

    def containers(self, *, all, filters):  # noqa: A002  # the SDK's word
        self._called("list", all, filters)
        (wanted,) = filters["label"]
        key, _, value = wanted.partition("=")
        found = [(ref, c["Config"]["Labels"]) for ref, c in self.by_id.items()]
        return [{"Id": ref, "Labels": labels} for ref, labels in found if labels.get(key) == value]

    def get(self, url, *, params, stream, timeout):
        self._called("logs", url)
        if url.split("/")[-2] not in self.by_id:
            raise api_error(404, "No such container: x")
        return FakeAnswer(self.log_chunks)

    def close(self):
        self._called("close")
