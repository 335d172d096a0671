"""Builds the image of the scripted worker: the real worker's image with another program, made without any network."""

from __future__ import annotations

import io
import json
import secrets
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

PROGRAMS: Final = Path(__file__).parent / "scripted"
RECIPE: Final = """\
FROM {base}
COPY *.py /opt/scripted/
CMD ["python3", "-B", "/opt/scripted/worker.py"]
LABEL ladder.test={label}
"""


def told(do: str, **arguments: object) -> str:
    """The instruction that makes the scripted worker do something."""
    return json.dumps({"do": do} | arguments)


@contextmanager
def scripted_image(engine: docker.APIClient, *, base: str) -> Iterator[str]:
    """Build the image, and remove it at the end of the block; gives its tag."""
    label = secrets.token_hex(6)
    tag = f"ladder-test-scripted:{label}"
    context = _context(RECIPE.format(base=base, label=label))
    said = list(engine.build(fileobj=context, custom_context=True, tag=tag, rm=True, network_mode="none", decode=True))
    assert not [line for line in said if "error" in line], said
    try:
        yield tag
    finally:
        engine.remove_image(tag, force=True)


def _context(recipe: str) -> io.BytesIO:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        _add(archive, "Dockerfile", recipe.encode())
        for program in sorted(PROGRAMS.glob("*.py")):
            _add(archive, program.name, program.read_bytes())
    packed.seek(0)
    return packed


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    archive.addfile(entry, io.BytesIO(content))
