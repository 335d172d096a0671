"""From an order to a plan: everything that can be wrong about an order is found before anything is made or sent."""

import pytest
from recorded_runs import recorded_run, run_record
from staged import BEGAN, CANARY, SECRETS, ladder_of, one_scenario, write_ladder

from harness.config import Settings
from harness.errors import HarnessError, PrerequisiteError, UsageError
from harness.evidence.bundle import Staging
from harness.evidence.faults import EvidenceError
from harness.evidence.outcome import write_run
from harness.language.findings import InvalidLadderError
from harness.redaction.redactor import Redactor
from harness.runner.planning import Order, plan
from harness.runner.selection import Wish

LIVE = """
vars: {base_url: "${env:BASE_URL:-http://localhost:8000}"}
secrets: [OPENAI_API_KEY, SOME_TOKEN_NAME]
scenarios:
  L01: {title: First, steps: [{get: /docs, capture: {pid: status}}]}
  L02: {title: Second, needs: [L01], steps: [{get: /docs}]}
rollback: {verify: mocked.ladder.yaml, as: mocked/RERUN}
"""
MOCKED = """
vars: {base_url: "${env:BASE_URL:-http://localhost:8000}"}
scenarios:
  M01: {title: First, steps: [{get: /docs}]}
  M02: {title: Second, needs: [M01], steps: [{get: /docs}]}
  M03: {title: Third, steps: [{get: /docs}]}
"""
EXAMPLE = "USE_DUMMY_WORKER=True\nPORT=8000\nBIND_ADDRESS=127.0.0.1\nSLEEP_SECONDS=0\n"


@pytest.fixture
def root(tmp_path):
    write_ladder(tmp_path / "scenarios", LIVE, name="live", mode="live")
    write_ladder(tmp_path / "scenarios", MOCKED, name="mocked")
    (tmp_path / ".env.example").write_text(EXAMPLE)
    return tmp_path


@pytest.fixture
def evidence(root):
    return root / "evidence"


def settings(root, **environ):
    return Settings(root, root / ".env", environ)


def order(root, *only, ladder="live", **fields):
    wish = fields.pop("wish", Wish(only))
    return Order(ladder, root / "evidence", wish, **fields)


def live(root, text=LIVE):
    return ladder_of(root / "scenarios", text, name="live", mode="live")


def ids(part):
    return [each.id for each in part.scenarios]


def refusal(root, asked, kind=UsageError, **environ):
    with pytest.raises(kind) as refused:
        plan(asked, settings(root, **environ))
    return refused.value


def test_a_whole_ladder_is_climbed_below_the_folder_of_its_mode(root):
    found = plan(order(root), settings(root))
    assert (ids(found.climbed), found.climbed.folder) == (["L01", "L02"], "live")
    assert (found.rollback, found.earlier, found.rerun_of) == (None, (), None)


def test_the_rollback_is_proved_by_the_ladder_that_the_climbed_one_names(root):
    found = plan(order(root, rolls_back=True), settings(root))
    assert (ids(found.rollback), found.rollback.folder) == (["M01", "M02", "M03"], "mocked/RERUN")
    assert found.rollback.ladder.name == "mocked"


def test_a_rollback_may_be_proved_by_some_of_its_scenarios(root):
    live(root, LIVE.replace("as: mocked/RERUN", "as: mocked/RERUN, only: [M01, M02]"))
    assert ids(plan(order(root, rolls_back=True), settings(root)).rollback) == ["M01", "M02"]


def test_a_rollback_that_names_a_scenario_which_is_not_there_is_refused(root):
    text = LIVE.replace("as: mocked/RERUN", "as: mocked/RERUN, only: [M09]")
    write_ladder(root / "scenarios", text, name="live", mode="live")
    refused = refusal(root, order(root, rolls_back=True), kind=InvalidLadderError)
    assert refused.reference == "unknown-scenario"


def test_somebody_elses_stack_is_not_rolled_back(root):
    assert plan(order(root, rolls_back=True), settings(root, BASE_URL="http://example.org")).rollback is None


def test_a_ladder_without_a_rollback_is_climbed_without_one(root):
    assert plan(order(root, ladder="mocked", rolls_back=True), settings(root)).rollback is None


def test_a_rollback_alone_is_the_part_that_is_climbed(root):
    found = plan(order(root, is_rollback=True), settings(root))
    assert (ids(found.climbed), found.climbed.folder) == (["M01", "M02", "M03"], "mocked/RERUN")
    assert (found.rollback, found.rerun_of) == (None, None)


def test_a_rollback_alone_names_the_newest_run_of_the_ladder(root, evidence):
    recorded_run(evidence, live(root), {}, minutes=1)
    recorded_run(evidence, live(root), {}, minutes=2)
    recorded_run(evidence, ladder_of(root / "scenarios", MOCKED, name="mocked"), {}, minutes=3)
    assert plan(order(root, is_rollback=True), settings(root)).rerun_of.endswith("000002")


def test_a_rollback_alone_needs_a_ladder_that_says_how(root):
    assert refusal(root, order(root, ladder="mocked", is_rollback=True)).reference == "rollback-unknown"


def test_the_address_of_our_own_stack_is_that_of_its_settings(root):
    found = plan(order(root), settings(root, PORT="8123"))
    assert found.climbed.ladder.variables["base_url"] == "http://127.0.0.1:8123"


def test_a_foreign_address_outranks_that_of_our_own_stack(root):
    found = plan(order(root), settings(root, BASE_URL="http://example.org", PORT="8123"))
    assert found.climbed.ladder.variables["base_url"] == "http://example.org"


@pytest.mark.parametrize("url", ["example.org", "http://name:word@example.org", "http://example.org/?a=b"])
def test_an_address_to_which_no_path_can_be_joined_is_refused_before_a_folder_is_made(root, evidence, url):
    assert refusal(root, order(root), BASE_URL=url).reference == "bad-base-url"
    assert not evidence.exists()


def test_an_unknown_ladder_is_refused(root):
    assert refusal(root, order(root, ladder="life")).reference == "ladder-missing"


def test_an_invalid_ladder_is_refused(root):
    write_ladder(root / "scenarios", "scenarios: {}", name="live")
    refusal(root, order(root), kind=InvalidLadderError)


def test_schemas_beside_a_ladder_are_read_once_for_all_its_steps(root):
    (root / "scenarios/doc.schema.json").write_text('{"type": "object"}')
    rest = "finally: [{get: /, expect: [{not: [{schema: other.schema.json}]}]}]"
    (root / "scenarios/other.schema.json").write_text("{}")
    step = "{get: /, expect: [{any_of: [{schema: doc.schema.json}]}]}"
    write_ladder(root / "scenarios", one_scenario(step, rest=rest), name="doc")
    found = plan(order(root, ladder="doc"), settings(root))
    assert found.climbed.schemas == {"doc.schema.json": {"type": "object"}, "other.schema.json": {}}


def test_secrets_come_from_the_files_and_from_the_environment(root):
    (root / ".env.live").write_text(f"API_TOKENS={CANARY}-one\n")
    found = plan(order(root), settings(root, OPENAI_API_KEY=CANARY))
    assert found.secrets.names == {"API_TOKENS", "OPENAI_API_KEY"}


@pytest.mark.parametrize("where", ["environment", "file"])
def test_what_a_ladder_lists_as_a_secret_is_one_under_any_name(root, where):
    live(root, LIVE.replace("SOME_TOKEN_NAME", "PLAIN"))
    if where == "file":
        (root / ".env").write_text(f"PLAIN={CANARY}\n")
    found = plan(order(root), settings(root, **({"PLAIN": CANARY} if where == "environment" else {})))
    assert found.secrets.names == {"PLAIN"}
    assert CANARY not in Redactor(found.secrets).text(f"the key is {CANARY}")


def test_a_listed_secret_that_cannot_be_searched_for_stops_the_run(root, evidence):
    live(root, LIVE.replace("SOME_TOKEN_NAME", "PLAIN"))
    refused = refusal(root, order(root), PrerequisiteError, PLAIN="short")
    assert refused.reference == "secret-unsearchable"
    assert "PLAIN" in refused.message
    assert "short" not in refused.message.replace("is shorter", "")
    assert not evidence.exists()


def test_one_scenario_builds_on_the_newest_finished_run_of_its_ladder(root, evidence):
    recorded_run(evidence, live(root), {"L01": {"pid": "old"}}, minutes=1)
    newest = recorded_run(evidence, live(root), {"L01": {"pid": "new"}}, minutes=2)
    recorded_run(evidence, ladder_of(root / "scenarios", MOCKED, name="mocked"), {}, minutes=3)
    found = plan(order(root, "L02"), settings(root))
    assert found.climbed.captures == {"L01": {"pid": "new"}}
    assert (found.earlier, found.rerun_of[-6:]) == ((newest,), "000002")


def test_a_run_that_is_named_outranks_the_newest(root, evidence):
    oldest = recorded_run(evidence, live(root), {"L01": {"pid": "old"}}, minutes=1)
    recorded_run(evidence, live(root), {"L01": {"pid": "new"}}, minutes=2)
    found = plan(order(root, "L02", from_run=oldest.name), settings(root))
    assert (found.climbed.captures, found.earlier) == ({"L01": {"pid": "old"}}, (oldest,))


def test_what_a_run_had_taken_over_itself_is_found_in_the_run_that_made_it(root, evidence):
    first = recorded_run(evidence, live(root), {"L01": {}}, minutes=1)
    second = recorded_run(evidence, live(root), {"L01": {}}, minutes=2, rerun_of="019a83c1-6e10-7abc-8def-000000000001")
    recorded_run(evidence, live(root), {"L01": {}}, minutes=3)
    assert plan(order(root, "L02", from_run=second.name), settings(root)).earlier == (second, first)


def test_a_run_that_is_not_as_recorded_lends_nothing_to_those_that_were_built_on_it(root, evidence):
    first = recorded_run(evidence, live(root), {"L01": {}}, minutes=1, artifacts={"live/L01/a.txt": "one\n"})
    second = recorded_run(evidence, live(root), {"L01": {}}, minutes=2, rerun_of="019a83c1-6e10-7abc-8def-000000000001")
    tamper(first / "live/L01/a.txt")
    assert plan(order(root, "L02"), settings(root)).earlier == (second,)


def test_runs_that_claim_to_be_built_on_one_another_are_looked_at_once(root, evidence):
    one, two = "019a83c1-6e10-7abc-8def-000000000001", "019a83c1-6e10-7abc-8def-000000000002"
    first = recorded_run(evidence, live(root), {"L01": {}}, minutes=1, rerun_of=two)
    second = recorded_run(evidence, live(root), {"L01": {}}, minutes=2, rerun_of=one)
    assert set(plan(order(root, "L02"), settings(root)).earlier) == {first, second}


def test_a_scenario_that_needs_nothing_takes_nothing_from_an_earlier_run(root, evidence):
    recorded_run(evidence, live(root), {"L01": {}}, minutes=1)
    found = plan(order(root, "L01"), settings(root))
    assert (found.earlier, found.rerun_of) == ((), None)


def test_a_run_that_does_not_exist_is_refused(root, evidence):
    recorded_run(evidence, live(root), {"L01": {}}, minutes=1)
    refused = refusal(root, order(root, "L02", from_run="2020-01-01T00:00:00Z"), EvidenceError)
    assert refused.reference == "run-unknown"


def killed_run(root, evidence):
    staging = Staging.open(evidence, BEGAN)
    write_run(staging, run_record(live(root)), Redactor(SECRETS))
    staging.close()
    return staging.name


def test_a_run_that_is_not_finished_is_refused(root, evidence):
    refused = refusal(root, order(root, "L02", from_run=killed_run(root, evidence)))
    assert refused.reference == "run-unfinished"


def test_a_run_that_is_not_finished_is_not_the_newest(root, evidence):
    finished = recorded_run(evidence, live(root), {"L01": {}}, minutes=0)
    killed_run(root, evidence)
    assert plan(order(root, "L02"), settings(root)).earlier == (finished,)


def tamper(path):
    path.chmod(0o600)
    path.write_text("another\n")


def test_a_run_that_is_not_as_recorded_is_refused(root, evidence):
    run = recorded_run(evidence, live(root), {"L01": {}}, minutes=1, artifacts={"live/L01/a.txt": "one\n"})
    tamper(run / "live/L01/a.txt")
    refused = refusal(root, order(root, "L02"), EvidenceError)
    assert refused.reference == "run-damaged"
    assert "live/L01/a.txt" in refused.message


def test_captures_of_a_changed_ladder_are_refused(root, evidence):
    recorded_run(evidence, live(root), {"L01": {}}, minutes=1)
    live(root, LIVE.replace("Second", "Two"))
    assert refusal(root, order(root, "L02")).reference == "ladder-changed"


def test_a_resumed_run_names_the_run_that_it_goes_on_with(root, evidence):
    recorded_run(evidence, live(root), {"L01": {"pid": "p1"}}, minutes=1)
    found = plan(order(root, wish=Wish(resume=True)), settings(root))
    assert (ids(found.climbed), found.rerun_of[-6:]) == (["L02"], "000001")


@pytest.mark.parametrize("wish", [Wish(("L02",)), Wish(resume=True), Wish(("L99",))])
def test_a_refused_order_leaves_no_trace(root, evidence, wish):
    refusal(root, order(root, wish=wish), HarnessError)
    assert not evidence.exists()
