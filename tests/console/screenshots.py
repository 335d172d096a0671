"""Takes the pictures of the README: ``python tests/console/screenshots.py EVIDENCE`` over runs that are worth showing.

Each page is opened as a person sees it, in the theme that its picture is named for, and written to ``docs/images``. The
list shows where its runs lie, so let that be a place that could be anybody's. Needed: a green run of the whole live
ladder, and one of several trials that is FLAKY.
"""

import sys
from pathlib import Path

from browser_stage import Window, chromium
from served_console import ROOT, served

IMAGES = ROOT / "docs/images"
SIZE = {"width": 1280, "height": 860}


def main(evidence):
    """Take the pictures of an evidence root."""
    runs = sorted(path.name for path in evidence.glob("20*Z"))
    told = {name: (evidence / name / "run.json").read_text() for name in runs}
    flaky = next(name for name in reversed(runs) if '"verdict": "FLAKY"' in told[name])
    green = next(name for name in reversed(runs) if '"aggregation": null' in told[name] and '"L08"' in told[name])
    pages = (
        ("console-runs", "/", "light"),
        ("console-run", f"/runs/{green}", "dark"),
        ("console-trials", f"/runs/{flaky}", "light"),
    )
    IMAGES.mkdir(exist_ok=True)
    with served(evidence) as address, chromium() as browser:
        for name, path, scheme in pages:
            window = Window(browser, address, color_scheme=scheme, viewport=SIZE)
            window.open(path).screenshot(path=IMAGES / f"{name}.png")
            window.context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
