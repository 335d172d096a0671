"""What the record tells of climbs, of what set them off and of their jobs is what events and traces tell."""

import json

import pytest
from sealed_run import failures, reseal, rewrite

from harness.evidence import layout


def climb(found):
    return found["climbs"][0]


TAMPERED = {
    "another status": lambda found: climb(found).update(
        status="PARTIAL" if climb(found)["status"] != "PARTIAL" else "X"
    ),
    "another part": lambda found: climb(found).update(part="mocked/RERUN"),
    "an earlier end": lambda found: climb(found).update(finished_at=climb(found)["started_at"]),
    "no climb": lambda found: found.update(climbs=[]),
    "one more": lambda found: found["climbs"].append(climb(found)),
    "another trigger": lambda found: found["trigger"].update(source="ci"),
    "an issue": lambda found: found["trigger"].update(issue_key="L-1"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_record_that_tells_another_climb_than_its_events_is_told(bundle, name):
    found = json.loads((bundle / layout.RUN).read_text())
    TAMPERED[name](found)
    rewrite(bundle, layout.RUN, found)
    reseal(bundle)
    assert any("not-observed run.json" in line for line in failures(bundle)["climbs"])


def test_a_record_that_tells_other_jobs_than_the_trace_is_told(bundle):
    found = json.loads((bundle / layout.RUN).read_text())
    found["scenarios"][0]["job_types"] = ["deletion"]
    rewrite(bundle, layout.RUN, found)
    reseal(bundle)
    assert any("record-differs run.json" in line and "deletion" in line for line in failures(bundle)["told"])
