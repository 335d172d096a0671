"""``python -m harness.stack`` builds the images and starts nothing: the preparation that tests and benchmarks share."""

from __future__ import annotations

import sys

from harness.config import Settings
from harness.errors import HarnessError
from harness.stack import engine
from harness.stack.images import build_images
from harness.stack.progress import open_progress
from harness.stack.up import read_plan


def main() -> int:
    """Build, and turn an error into its exit code."""
    settings, progress = Settings.from_env(), open_progress()
    try:
        with engine.connect(settings) as client:
            images = build_images(engine.Site(client, settings, progress), read_plan(settings))
    except HarnessError as error:
        sys.stderr.write(error.render() + "\n")
        return error.exit_code
    progress.note(f"images are ready: {', '.join(f'{role} {found}' for role, found in images.by_role().items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
