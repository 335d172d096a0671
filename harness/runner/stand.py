"""Where a run takes place: the stack that this harness starts, or somebody else's that ``BASE_URL`` names.

Our own stack is started in the ladder's mode, and its worker image, its label and its folders are known from the start
itself. Of a foreign one nothing is known but its address, nothing is started or rolled back, and the engine that this
machine reaches may be another one; whether it is the witness is asked for, or follows from the address being local.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from harness.evidence.run_record import Engine, Images
from harness.language.model import Mode
from harness.runner.choices import WitnessChoice
from harness.senses.witness import NoWitness, open_witness
from worker.contract import Label

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.config import Settings
    from harness.senses.witness import Watch
    from harness.stack.progress import Progress

LONG_RUN_S: Final = 15
"""What an instruction with the word ``long_run`` sleeps in a live climb where no setting says otherwise: long enough to
ask the API meanwhile. A setting of 0 says nothing, being the default, which would make the long run a short one."""

SLEEP_SETTING: Final = "SLEEP_SECONDS"
BASE_URL: Final = "BASE_URL"
_LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Stand:
    """A stack that is ready to be judged.

    Attributes:
        instance: Its label on workers; ``None`` of a foreign stack.
        workspaces: Where its projects lie here; ``None`` of a foreign stack.
        config_digest: Of the settings that it was started with.
        settings: Those settings, without private ones.
    """

    base_url: str
    worker_image: str | None = None
    instance: str | None = None
    workspaces: Path | None = None
    images: Images = field(default_factory=Images)
    engine: Engine = field(default_factory=Engine)
    config_digest: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_own(self) -> bool:
        """Whether this harness started it."""
        return self.instance is not None


def foreign_url(settings: Settings) -> str:
    """The address of a stack that is not ours; empty when ours is meant."""
    return settings.get(BASE_URL)


def planned_url(settings: Settings, mode: Mode) -> str:
    """Where the stack will be, before anything is started."""
    from harness.stack.up import read_plan

    return foreign_url(settings) or read_plan(settings, mode=mode).base_url


def provide(settings: Settings, progress: Progress, mode: Mode) -> Stand:
    """Start our own stack in a mode, or take the foreign one as it is.

    Raises:
        HarnessError: What ``ladder up`` raises.
    """
    if url := foreign_url(settings):
        return Stand(url)
    from harness.stack.engine import connect
    from harness.stack.up import up

    started = up(_with_long_run(settings, mode), progress, mode=mode)
    with connect(settings) as client:
        version: Mapping[str, Any] = client.version()
    return Stand(
        base_url=started.plan.base_url,
        worker_image=started.images.worker,
        instance=started.plan.project,
        workspaces=started.plan.data_dir / "workspaces",
        images=Images(worker=started.images.worker, backend=started.images.backend),
        engine=Engine(version=version.get("Version"), api_version=version.get("ApiVersion")),
        config_digest=started.digest,
        settings=started.plan.settings,
    )


def _with_long_run(settings: Settings, mode: Mode) -> Settings:
    from harness.stack.up import read_plan

    asked = read_plan(settings, mode=mode).settings.get(SLEEP_SETTING, "")
    if mode is not Mode.LIVE or asked.strip("0. "):
        return settings
    return replace(settings, environ={**settings.environ, SLEEP_SETTING: str(LONG_RUN_S)})


def is_local(base_url: str) -> bool:
    """Whether an address is on this machine, so that the engine here may well be the one behind it."""
    from harness.senses.address import Address

    return Address.parse(base_url).host in _LOCAL_HOSTS


def watch(stand: Stand, choice: WitnessChoice, environ: Mapping[str, str]) -> tuple[Watch, bool]:
    """Open the witness.

    Returns:
        The witness or what stands for it, and whether the verdict needs it.
    """
    if choice is WitnessChoice.OFF:
        return NoWitness("the witness was switched off"), False
    if choice is WitnessChoice.AUTO and not stand.is_own and not is_local(stand.base_url):
        return NoWitness("the stack is not on this machine"), False
    # Of our own stack only its own workers count; of a foreign one nobody knows how it calls itself.
    found = open_witness(environ, f"{Label.INSTANCE}={stand.instance}" if stand.is_own else Label.PROJECT)
    is_needed = choice is WitnessChoice.REQUIRED or stand.is_own
    return found, is_needed or not isinstance(found, NoWitness)
