"""Images whose worker does any job and is broken in one way; the ways are the functions of ``scripted/broken.py``."""

from __future__ import annotations

import io
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

RECIPE: Final = """\
FROM {scripted}
CMD ["python3", "-B", "/opt/scripted/broken.py", "{fault}"]
LABEL ladder.test={label}
"""


@contextmanager
def broken_image(engine: docker.APIClient, scripted: str, fault: str) -> Iterator[str]:
    """Build an image on top of the scripted one, and remove it at the end of the block; gives its tag."""
    label = secrets.token_hex(6)
    tag = f"ladder-test-broken:{label}"
    recipe = RECIPE.format(scripted=scripted, fault=fault, label=label)
    said = list(engine.build(fileobj=io.BytesIO(recipe.encode()), tag=tag, rm=True, network_mode="none", decode=True))
    assert not [line for line in said if "error" in line], said
    try:
        yield tag
    finally:
        engine.remove_image(tag, force=True)
