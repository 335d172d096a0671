"""The first look at the queue after a start."""

from dataclasses import replace

from support.job_bench import FAST

from worker.contract import JobStatus


def test_a_job_that_waited_through_the_stop_is_taken_up_at_once_and_not_at_the_next_idle_look(make_bench):
    bench = make_bench()
    bench.pace = replace(FAST, idle_s=3600.0)
    job = bench.create()
    bench.restart()
    assert bench.ended(job).status == JobStatus.COMPLETED
