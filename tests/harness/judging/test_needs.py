"""What checks must see: declared for each kind, and never taken for less than it is."""

import pytest

from harness.judging.needs import BY_KIND, EXCLUDED, Needs, lacks, needs_of, needs_of_item, needs_of_path
from harness.judging.observation import Exchange, Observation
from harness.language.model import Check, CheckKind, Mark

HERE = Mark("x.ladder.yaml", 1, 1)
NESTING = {CheckKind.ANY_OF, CheckKind.ALL_OF, CheckKind.NOT}


def path(expression, **operators):
    return Check(CheckKind.PATH, HERE, argument=expression, operators=operators or {"eq": 1})


def test_every_kind_of_check_says_what_it_needs():
    assert BY_KIND.keys() | NESTING | {CheckKind.PATH} == set(CheckKind)


@pytest.mark.parametrize(
    "expression",
    [
        "status",
        "headers.location",
        "doc.status",
        "body.mode",
        "doc.errors",
        "doc.errors[0].code",
        "doc.modified_files",
        "body.files[].path",
        "sort(body.files[].path)",
        "body.jobs[-1].id",
        "body.result.written_by",
        "doc.deleted_files || `[]`",
        "body.db_writes[?outcome=='committed' && op=='INSERT'].tables[]",
        "length(body.files)",
    ],
)
def test_d24_codes_ids_lists_and_file_names_need_the_skeleton(expression):
    assert needs_of_path(expression, {"eq": 1}) is Needs.SKELETON


@pytest.mark.parametrize(
    "expression",
    [
        "text",
        "body",
        "doc",
        "body.files",
        "body.files[0]",
        "doc.summary",
        "doc.logs[?starts_with(@, 'OPENAI_')]",
        "body.contents",
        "{all: doc.status, more: doc.summary}",
        "[doc.status, doc.summary]",
        "doc.files[?contents=='x'].path",
        "to_string(body)",
        "keys(body)",
        "values(doc.result)",
        "doc.errors || doc.summary",
        "doc.unknown",
        "not an expression",
        "@",
    ],
)
def test_whatever_may_come_to_text_needs_contents(expression):
    assert needs_of_path(expression, {"eq": 1}) is Needs.CONTENT


def test_how_long_a_list_is_needs_no_contents():
    assert needs_of_path("body.files", {"length": {"gt": 1}}) is Needs.SKELETON
    assert needs_of_path("body.files", {"length": {"gt": 1}, "contains": "x"}) is Needs.CONTENT
    assert needs_of_path("doc.summary", {"length": {"gt": 1}}) is Needs.CONTENT


@pytest.mark.parametrize("kind", sorted(NESTING))
def test_what_is_nested_needs_what_any_of_its_parts_needs(kind):
    inner = (path("doc.status"), Check(CheckKind.DURATION, HERE, argument={"lt": 1}))
    assert needs_of(Check(kind, HERE, children=inner)) is Needs.SKELETON
    assert needs_of(Check(kind, HERE, children=(*inner, path("doc.summary")))) is Needs.CONTENT
    assert needs_of_item({kind.value: [{"path": "doc.status", "eq": 1}, {"schema": "x.json"}]}) is Needs.CONTENT
    assert needs_of_item({kind.value: [{"path": "doc.status", "eq": 1}]}) is Needs.SKELETON


@pytest.mark.parametrize("item", [None, 3, {}, {"unheard": 1}, {"path": "doc.summary", "severity": "info", "eq": 1}])
def test_an_item_that_is_not_known_needs_contents(item):
    assert needs_of_item(item) is Needs.CONTENT


def observed(doc):
    return Observation(Exchange(200, {}, doc, "", 0.1), doc)


def test_text_where_a_word_was_expected_is_seen_to_lack():
    assert lacks(path("doc.status"), observed({"status": EXCLUDED}))
    assert lacks(path("doc.errors"), observed({"errors": ["a_code", EXCLUDED]}))
    assert not lacks(path("doc.status"), observed({"status": "success", "summary": EXCLUDED}))
    assert lacks(Check(CheckKind.ANY_OF, HERE, children=(path("doc.status"),)), observed({"status": EXCLUDED}))


def test_a_variable_that_was_taken_out_is_seen_to_lack():
    assert lacks(path("doc.status", eq=EXCLUDED), observed({"status": "success"}))
    changed = Check(CheckKind.FILES_CHANGED, HERE, argument={"since": "x", "created": {"eq": [EXCLUDED]}})
    assert lacks(changed, observed({}))


def test_the_length_of_a_list_lacks_nothing_and_that_of_a_text_does():
    assert not lacks(path("doc.errors", length=2), observed({"errors": [EXCLUDED, EXCLUDED]}))
    assert lacks(path("doc.error", length=2), observed({"error": EXCLUDED}))
