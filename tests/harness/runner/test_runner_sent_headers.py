"""What is recorded of the headers that a ladder sends, and how steps find those that compare with them."""

from staged import OK_STEP, one_scenario

POLL = (
    "{id: result, poll: {get: /r, every: 1s}, until: [{status: 200}], fresh_after: {step: NAME, job_id: j},"
    " deadline: 5s}"
)


def test_a_header_that_announces_a_credential_is_masked_whatever_it_holds(staged):
    staged.service.on("GET /docs", {})
    staged.steps('{get: /docs, headers: {Authorization: "Bearer of-nobody-we-know", X-Any: kept}}')
    (made,) = staged.events("exchange")
    assert made.sent.headers == {"Authorization": "[REDACTED]", "X-Any": "kept"}
    assert staged.service.calls[-1].request.headers["Authorization"] == "Bearer of-nobody-we-know"


def test_a_look_is_taken_before_the_one_step_that_a_poll_compares_with(staged):
    scene = staged.scene(one_scenario("{id: one, get: /docs}", "{id: two, get: /docs}", POLL.replace("NAME", "two")))
    assert {step: [later.id for later in found] for step, found in scene.comparing.items()} == {"two": ["result"]}


def test_no_step_is_compared_with_where_nothing_compares(staged):
    assert not staged.scene(one_scenario(OK_STEP, OK_STEP)).comparing
