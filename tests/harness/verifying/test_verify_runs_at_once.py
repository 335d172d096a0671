"""Two processes that begin in one second leave two runs, each of them whole, and neither holds any of the other."""

from ladder_process import Ladder, ended
from sealed_run import failures
from stub_backend import stub_backend

from harness.evidence.layout import CASES


def test_two_runs_of_one_second_are_two_bundles_that_verify(tmp_path):
    with stub_backend() as stub:
        ladder = Ladder(tmp_path, stub)
        # Both are in the middle of a request at one moment.
        stub.hold("POST", "/projects/")
        running = [ladder.start(*ladder.climb("--json")) for _ in range(2)]
        stub.wait_for("POST", "/projects/", 2)
        stub.release()
        done = [ended(run) for run in running]
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    entries = ladder.entries()
    assert len({entry.run_id for entry in entries}) == 2
    for entry in entries:
        assert failures(entry.folder) == {}
        (other,) = {each.run_id for each in entries} - {entry.run_id}
        assert not any(other in path.read_text() for path in (entry.folder / CASES).iterdir())
