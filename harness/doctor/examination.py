"""``ladder doctor``: looks at everything that a run needs, says what is wrong and what repairs it, and changes nothing.

Every check is a small function that returns one finding. What cannot be looked at, because an engine does not answer
or a setting cannot be read, is said to be unchecked, at once. Each question to another program has five seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from harness.doctor import engine as engines
from harness.doctor import env, leftovers, machine, port, values, view
from harness.doctor.findings import Level, look, not_checked
from harness.errors import HarnessError
from harness.stack.up import read_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.config import Settings
    from harness.doctor.findings import Finding
    from harness.doctor.view import View
    from harness.stack.plan import Plan

_NO_PLAN: Final = "a setting is not valid"


@dataclass(frozen=True, slots=True)
class Patient:
    """What the checks look at.

    Attributes:
        out: The evidence root.
        plan: ``None`` when the settings do not give one.
        view: ``None`` when the engine does not show itself.
    """

    settings: Settings
    out: Path
    plan: Plan | None
    view: View | None


def diagnose(settings: Settings, *, out: Path) -> tuple[Finding, ...]:
    """Look at everything once; never raises what a check raises.

    Args:
        settings: The snapshot of the environment.
        out: The evidence root, where abandoned runs may lie.
    """
    plan = _plan(settings)
    engine, view = _look_at_engine(settings, plan)
    patient = Patient(settings, out, plan, view)
    own = _run({"compose": partial(engines.check_compose, settings)})
    return (*engine, *own, *_of_engine(patient), *_of_settings(patient), *_of_plan(patient), *_of_machine(patient))


def _plan(settings: Settings) -> Plan | None:
    try:
        return read_plan(settings)
    except (HarnessError, OSError, RuntimeError, ValueError):
        # What is wrong with the settings is told by their own checks.
        return None


def _look_at_engine(settings: Settings, plan: Plan | None) -> tuple[list[Finding], View | None]:
    reached = look("engine-socket", partial(engines.check_socket, settings))
    if reached.level is Level.ERROR:
        return [reached, not_checked("engine", "its socket cannot be used")], None
    seen: list[View] = []

    def check() -> Finding:
        seen.append(view.observe(settings, plan))
        return engines.check_version(seen[0])

    answered = look("engine", check)
    return [reached, answered], seen[0] if seen else None


def _run(checks: Mapping[str, Callable[[], Finding]]) -> list[Finding]:
    return [look(name, check) for name, check in checks.items()]


def _of_engine(patient: Patient) -> list[Finding]:
    view, plan, settings = patient.view, patient.plan, patient.settings
    of_project = ("project", "leftover-workers", "leftover-judges", "leftover-networks")
    if view is None:
        return [not_checked(name, "no engine answers") for name in ("images", "disk-engine", *of_project)]
    found = _run({
        "images": partial(engines.check_images, view, plan),
        "disk-engine": partial(machine.check_engine_room, view.root_dir),
    })  # fmt: skip
    if plan is None:
        return [*found, *(not_checked(name, _NO_PLAN) for name in of_project)]
    return [*found, *_run({
        "project": partial(leftovers.check_project, settings, plan, view),
        "leftover-workers": partial(leftovers.check_workers, plan, view),
        "leftover-judges": partial(leftovers.check_judges, view),
        "leftover-networks": partial(leftovers.check_networks, plan, view),
    })]  # fmt: skip


def _of_settings(patient: Patient) -> list[Finding]:
    settings = patient.settings
    return _run({
        "env-file": partial(env.check_env_file, settings),
        "env-live-file": partial(env.check_live_file, settings),
        "env-keys": partial(env.check_names, settings),
        "env-values": partial(values.check_values, settings),
        "env-ignored": partial(env.check_ignored, settings),
        "secrets": partial(env.check_secrets, settings),
    })  # fmt: skip


def _of_plan(patient: Patient) -> list[Finding]:
    settings, plan = patient.settings, patient.plan
    if plan is None:
        names = ("exposure", "port", "data-dir", "disk-data")
        return [not_checked(name, _NO_PLAN) for name in names]
    return _run({
        "exposure": partial(env.check_exposure, settings, plan),
        "port": partial(port.check_port, settings, plan, patient.view),
        "data-dir": partial(machine.check_data_folders, plan),
        "disk-data": partial(machine.check_data_room, plan),
    })  # fmt: skip


def _of_machine(patient: Patient) -> list[Finding]:
    settings = patient.settings
    return _run({
        "mode-override": partial(machine.check_mode, settings),
        "proxy": partial(machine.check_proxy, settings),
        "leftover-runs": partial(leftovers.check_runs, patient.out),
        "leftover-engine": partial(leftovers.check_engine_files, settings),
    })  # fmt: skip
