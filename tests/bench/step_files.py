"""The same steps for three clients: GET, status, one value of the JSON; as a ladder and as a test of the peer.

Every step asks for a path of its own, so that nothing profits from having seen its text before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_LADDER: Final = """\
apiVersion: ladder/v1
name: steps
mode: mocked
vars: {base_url: "${env:BASE_URL}"}
secrets: [OPENAI_API_KEY, OPENAI_ORG_ID, OPENAI_PROJECT]
scenarios:
  S01:
    title: Steps that are measured
    trials: %d
    steps:
"""
_STEP: Final = """\
      - id: s%d
        get: /item/%d
        expect:
          - status: 200
          - {path: body.status, eq: completed}
"""
_PEER_STAGE: Final = """\
  - name: s%d
    request: {url: "%s/item/%d", method: GET}
    response: {status_code: 200, strict: false, json: {status: completed}}
"""
# Fakes that this run alone plants: no account has them, and they must be in nothing that is written.
_SECRETS: Final = f"""\
OPENAI_API_KEY=sk-proj-canary-{"Zq4vN8xK2mT7" * 12}
OPENAI_ORG_ID=org-canaryZq4vN8xK2mT7Lw9Rb3
OPENAI_PROJECT=proj_canaryHc6Yp1Dg5Js0Fu
"""


def write_ladder(folder: Path, steps: int, *, trials: int = 1) -> Path:
    """Write a ladder of one scenario, which is climbed ``trials`` times in one run."""
    path = folder / f"steps-{steps}-{trials}.ladder.yaml"
    path.write_text(_LADDER % trials + "".join(_STEP % (number, number) for number in range(steps)))
    return path


def write_peer_test(folder: Path, steps: int, *, address: str) -> Path:
    """Write a test of the peer."""
    path = folder / f"test_steps_{steps}.tavern.yaml"
    stages = "".join(_PEER_STAGE % (number, address, number) for number in range(steps))
    path.write_text(f"test_name: steps\nstages:\n{stages}")
    return path


def write_secrets(folder: Path) -> Path:
    """Write three fake secrets; returns the settings file that they stand beside."""
    beside = folder / "bench.env.live"
    beside.write_text(_SECRETS)
    beside.chmod(0o600)
    return folder / "bench.env"
