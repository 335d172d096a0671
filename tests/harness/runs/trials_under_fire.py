"""Runs of several trials at the same time in one evidence root, of which some are killed: no trial may be lost.

``python tests/harness/runs/trials_under_fire.py [--processes 16] [--rounds 5] [--seed N]``: in each round so many
processes climb a small ladder several times, three at a time, against a stub on loopback. Every second one is killed
right after it has told that one of its trials has ended, which of them is chosen by the seed. After each round every
trial that was told must lie there whole, every manifest must parse, those that were let live must be sealed, and one of
the killed is gone on with. It ends by itself, with exit code 0 when nothing was lost; the tests run a small one.
"""

import argparse
import hashlib
import json
import random
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
sys.path.insert(0, str(Path(__file__).parent))

from ladder_process import Ladder, sealed  # found through the lines above
from stub_backend import SAFETY_NET_S, stub_backend

from harness.evidence.layout import TRACE_MANIFEST, trace_file
from harness.evidence.reading import RunCondition, list_runs
from harness.evidence.trial_records import RUNNING, decode_traces

TRIALS, AT_ONCE = 5, 3
KILLED = -9


@dataclass
class Fate:
    """One process: after how many ended trials it is killed (``None`` for never), and what it told."""

    killed_after: int | None
    told: list = field(default_factory=list)
    run_id: str = ""
    code: int | None = None


def follow(ladder, fate):
    """Let one process live its life; returns when it is over."""
    with ladder.start(*ladder.climb("--trials", str(TRIALS), "--concurrency", str(AT_ONCE), "--json")) as process:
        for line in process.stdout:
            told = json.loads(line)
            fate.run_id = fate.run_id or told.get("run_id") or ""
            if told["type"] == "trial_ended":
                fate.told.append(told)
                if len(fate.told) == fate.killed_after:
                    process.kill()
        fate.complaint = process.stderr.read()
        fate.code = process.wait(SAFETY_NET_S)
    return fate


def check(fate, entry):
    """Hold that nothing which was told is lost."""
    manifest = decode_traces((entry.folder / TRACE_MANIFEST).read_text())
    known = {trial.trace_id: trial for trial in manifest.trials}
    assert [trial.trial_index for trial in manifest.trials] == list(range(len(manifest.trials)))
    for told in fate.told:
        trial = known[told["trace_id"]]
        assert (trial.status, trial.sha256) == (told["status"], told["sha256"]), (entry.folder, told)
    for trial in manifest.trials:
        if trial.status != RUNNING:
            data = (entry.folder / trace_file(trial.trace_id)).read_bytes()
            assert hashlib.sha256(data).hexdigest() == trial.sha256
            assert json.loads(data)["trace_id"] == trial.trace_id
    if fate.killed_after is None:
        assert (fate.code, fate.complaint) == (0, ""), fate
        assert [trial.status for trial in manifest.trials] == ["PASS"] * TRIALS
        sealed(entry)
    else:
        # One that is slow to die may have ended before.
        assert fate.code in {KILLED, 0}, fate
        assert entry.condition in {RunCondition.PARTIAL, RunCondition.FINISHED}, entry


def resumed(ladder, fate):
    """Go on with a run that was killed."""
    wanted = TRIALS + 1
    done = ladder.run(*ladder.climb("--trials", str(wanted), "--resume", fate.run_id, "--json"))
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert [trial["status"] for trial in outcome["trials"]] == ["PASS"] * wanted
    assert {each["trace_id"] for each in fate.told} <= {trial["trace_id"] for trial in outcome["trials"]}


def fire(folder, *, processes, rounds, seed):
    """Run all rounds; gives how many trials were told, and how many processes were killed."""
    chance = random.Random(seed)
    trials = killed = 0
    with stub_backend() as stub:
        ladder = Ladder(folder, stub)
        for _ in range(rounds):
            fates = [Fate(chance.randrange(1, TRIALS) if each % 2 else None) for each in range(processes)]
            with ThreadPoolExecutor(processes) as pool:
                list(pool.map(lambda fate: follow(ladder, fate), fates))
            entries = {entry.run_id: entry for entry in list_runs(ladder.out)}
            for fate in fates:
                check(fate, entries[fate.run_id])
            dead = [fate for fate in fates if fate.code == KILLED]
            if dead:
                resumed(ladder, dead[0])
            trials += sum(len(fate.told) for fate in fates)
            killed += len(dead)
    return trials, killed


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ladder-fire-") as made:
        trials, killed = fire(Path(made), processes=options.processes, rounds=options.rounds, seed=options.seed)
    sys.stdout.write(
        f"{options.rounds} rounds of {options.processes} processes, seed {options.seed}: "
        f"{trials} trials told, {killed} processes killed, nothing lost\n"
    )


if __name__ == "__main__":
    main()
