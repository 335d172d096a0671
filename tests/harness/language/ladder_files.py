"""Small ladders for tests: a text, the faults found in it, or the values built from it."""

from pathlib import Path

from harness.language.build import build
from harness.language.loading import examine

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"
HEAD = "apiVersion: ladder/v1\nmode: live\n"


def ladder(steps, *, top="", scenario=""):
    """A ladder with one scenario ``A``; ``steps`` and the additions are YAML without their indent."""
    return f"{HEAD}{top}scenarios:\n  A:\n    title: A\n{_indented(scenario, 4)}    steps:\n{_indented(steps, 6)}"


def _indented(text, width):
    return "".join(f"{' ' * width}{line}\n" for line in text.splitlines())


def examined(text, environ=(), folder=SCENARIOS):
    return examine(text.encode(), Path(folder, "try.ladder.yaml"), dict(environ))


def rendered(text, environ=()):
    """What ``ladder validate`` prints about a text, without the folder."""
    found = examined(text, environ)[1]
    return "\n".join(finding.render().replace("scenarios/", "") for finding in found)


def rules(text, environ=()):
    return [finding.rule.value for finding in examined(text, environ)[1]]


def built(text, environ=()):
    draft, findings = examined(text, environ)
    assert findings == []
    return build(draft, text.encode(), dict(environ))


def first_step(text, environ=()):
    return built(text, environ).scenarios[0].steps[0]
