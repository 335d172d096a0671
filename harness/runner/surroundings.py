"""What a climb is handed: the subject, the witness, where evidence goes, and time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.evidence.layout import EVENTS
from harness.evidence.recording import Mode, Recording
from harness.runner.interrupts import Interrupts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from random import Random

    from harness.evidence.bundle import Staging
    from harness.evidence.journal import Clock, Journal
    from harness.redaction.redactor import Redactor
    from harness.runner.origin import Origin
    from harness.senses.calls import Send
    from harness.senses.witness import Watch
    from harness.terminal.watching import Watcher


@dataclass(frozen=True, slots=True)
class Subject:
    """The service that is judged, and what is known about it from elsewhere than itself.

    Attributes:
        send: Sends one request once; ``Client.exchange``.
        worker_image: Id (``sha256:…``) of the image that its workers must have; ``None`` when nobody but it knows.
        instance: Its label on workers (``ladder.instance``), when this harness started it.
        workspaces: Where its projects lie on this machine; ``None`` when that is not known.
    """

    send: Send
    worker_image: str | None = None
    instance: str | None = None
    workspaces: Path | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """Where everything that happens is written.

    Attributes:
        earlier: Folder of the run whose captures are reused, and of those that it had reused itself, newest first.
        run_id: Names the process that wrote the judge's own spans.
        log: Where the journal's lines go.
        recording: How much of artifacts is kept.
    """

    staging: Staging
    journal: Journal
    redactor: Redactor
    earlier: tuple[Path, ...] = ()
    run_id: str = ""
    log: str = EVENTS
    recording: Recording = field(default_factory=lambda: Recording(Mode.FULL))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that a climb uses.

    Attributes:
        watch: The witness, or the place where one would stand.
        is_witness_needed: Whether a check that the engine alone can answer leaves the verdict open when no engine can
            be asked; if not, such a check is a limitation.
        environ: Says where the engine is.
        sleep: Takes seconds; Ctrl-C comes out of it, as it does of ``subject.send``.
        random: For the jitter of polls.
        origin: The climb's own trace; those of its scenarios are linked to it.
        interrupts: Says when Ctrl-C may end a wait.
    """

    subject: Subject
    records: Records
    watch: Watch
    watcher: Watcher
    clock: Clock
    sleep: Callable[[float], None]
    random: Random
    origin: Origin
    is_witness_needed: bool = True
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    interrupts: Interrupts = field(default_factory=Interrupts)
