"""Which engine a request gets; an engine whose packages are not part of this image is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.contract import EngineName

if TYPE_CHECKING:
    from worker.engines.outcome import Engine


def engine_for(name: EngineName) -> Engine | None:
    """Return the engine of that name, or ``None`` when this worker does not have it.

    ``dummy`` is the template engine under the name that says that no container ran.
    """
    if name in {EngineName.TEMPLATE, EngineName.DUMMY}:
        from worker.engines import template

        return template.run
    return None
