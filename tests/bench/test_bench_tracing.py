"""What the bench of recording concludes, and that its single operations are really recorded."""

from tests.bench.__main__ import Part
from tests.bench.figures import Unit
from tests.bench.trace_cost import Recording, measure_job, measure_operations, measure_requests


class FakeBackend:
    """Notes in which order it is asked."""

    def __init__(self, name, order):
        self._name, self._order = name, order

    def create_project(self):
        return self._name

    def run_job(self, project_id):
        self._order.append(project_id)
        return project_id

    def get(self, path):
        self._order.append(path.removeprefix("projects/"))


class NothingToRemove:
    def await_all(self, job_ids):
        """Gone at once."""


def recording(order):
    return Recording(FakeBackend("on", order), FakeBackend("off", order), NothingToRemove())


def test_jobs_are_taken_in_turns_and_the_one_that_records_is_ours():
    order = []
    found = measure_job(recording(order), pairs=2)
    assert order[-4:] == ["off", "on", "on", "off"]
    assert (len(found.ours), len(found.bare), str(found.goal)) == (2, 2, "≤ 1.03")


def test_what_recording_adds_to_a_request_is_told_beside_the_request_without():
    order = []
    found = measure_requests(recording(order), rounds=4)
    assert order.count("on") == order.count("off")
    assert (len(found.samples), len(found.beside), found.unit) == (4, 4, Unit.MILLISECONDS)


def test_every_operation_is_measured_as_often_as_it_is_asked_for(tmp_path):
    found = measure_operations(tmp_path, count=5)
    assert len({each.name for each in found}) == 4
    assert {len(each.samples) for each in found} == {5}


def test_a_part_is_itself_or_everything():
    assert Part.ALL.has(Part.TRACING)
    assert Part.TRACING.has(Part.TRACING)
    assert not Part.BACKEND.has(Part.TRACING)
