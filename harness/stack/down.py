"""``ladder down``: leaves no container, network or process of this stack; data and images stay.

It needs no healthy backend. Workers that a killed backend left behind are found by its instance, containers of killed
judges by the process that made them. The engine is stopped only if this checkout started it and nobody else's container
runs on it.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from harness.stack import containers, engine, judge_containers
from harness.stack.compose import open_compose, settings_folder
from harness.stack.secrets import Secrets
from harness.stack.up import read_plan

if TYPE_CHECKING:
    from harness.config import Settings
    from harness.stack.progress import Progress


def down(settings: Settings, progress: Progress) -> None:
    """Stop the stack.

    Raises:
        PrerequisiteError: The engine or compose refuses.
    """
    if not engine.answers(settings):
        progress.note("no Docker engine answers, so nothing of ours can run")
        engine.stop_own(settings, progress)
        return
    plan = read_plan(settings)
    with progress.stage(f"stopping project {plan.project}"), engine.connect(settings) as client:
        containers.require_own(containers.find_backend(client, plan.project), root=settings.root, project=plan.project)
        # Stopping needs no secret; compose would only ask for names that are absent.
        open_compose(settings, plan, Secrets({})).run("down", "--remove-orphans")
        shutil.rmtree(settings_folder(settings, plan))
        removed = containers.remove_workers(client, plan.project)
        of_judges = judge_containers.remove_left_behind(client)
    if removed:
        progress.note(f"removed {removed} worker containers that were left behind")
    if of_judges:
        progress.note(f"removed {of_judges} containers that killed judges have left behind")
    progress.note(f"project {plan.project} is down")
    engine.stop_own(settings, progress)
