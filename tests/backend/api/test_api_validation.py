"""What a body may be: trimmed and measured, strict JSON, checked before the project is looked up (contract §1.1)."""

import json
import uuid

import pytest
from support.api_calls import GENERATE, new_project

JSON = {"Content-Type": "application/json"}


def post_raw(client, content: bytes | str, url: str = "/projects/", headers: dict[str, str] = JSON):
    return client.post(url, content=content, headers=headers)


def faults(answer) -> list[dict]:
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert set(body) == {"error", "message", "code", "detail", "correlation_id"}
    assert (body["error"], body["message"], body["code"]) == ("validation_error", "Validation failed", 422)
    for fault in body["detail"]:
        assert {"type", "loc", "msg"} <= set(fault) <= {"type", "loc", "msg", "input", "ctx"}
    return body["detail"]


def only_fault(answer) -> dict:
    [fault] = faults(answer)
    return fault


@pytest.fixture(scope="module", params=["project", "job"])
def place(request, finished):
    """Both routes that take a body, each with a valid one."""
    if request.param == "project":
        return "/projects/", {"instruction": GENERATE}
    return f"/{finished['id']}/jobs", {"job_type": "edit", "instruction": "Append a comment."}


@pytest.mark.parametrize("blank", ["", " ", "\t\r\n ", "\u2003\u00a0\u3000"])
def test_an_instruction_of_blanks_only_is_a_value_error_that_says_so(client, place, blank):
    url, body = place
    fault = only_fault(client.post(url, json=body | {"instruction": blank}))
    assert fault["type"] == "value_error"
    assert "instruction must not be empty" in fault["msg"]
    assert fault["loc"] == ["body", "instruction"]


def test_instructions_are_trimmed_before_they_are_stored(client):
    project = new_project(client, f"\n\t  {GENERATE}\u2003 \n")
    assert project["instruction"] == GENERATE


def test_2000_characters_and_padding_are_accepted(client):
    text = "force_error " + "é" * 1988
    project = new_project(client, f"   {text}\n\n")
    assert project["instruction"] == text
    assert len(text) == 2000


def test_2001_characters_are_too_long_whatever_stands_around_them(client, place):
    url, body = place
    for instruction in ("x" * 2001, " " + "x" * 2001 + " "):
        fault = only_fault(client.post(url, json=body | {"instruction": instruction}))
        assert (fault["type"], fault["ctx"]) == ("string_too_long", {"max_length": 2000})


def test_a_project_needs_five_characters_and_a_job_one(client, finished):
    fault = only_fault(client.post("/projects/", json={"instruction": "   1234   "}))
    assert (fault["type"], fault["ctx"]) == ("string_too_short", {"min_length": 5})
    assert new_project(client, " error:")["instruction"] == "error:"
    url = f"/{new_project(client, 'error: five')['id']}/jobs"
    assert client.post(url, json={"job_type": "edit", "instruction": " x "}).json()["instruction"] == "x"


@pytest.mark.parametrize("wrong", [None, 7, 1.5, True, ["text"], {"text": 1}, 10**30])
def test_an_instruction_that_is_no_text_is_a_string_type_error(client, place, wrong):
    url, body = place
    fault = only_fault(client.post(url, json=body | {"instruction": wrong}))
    assert fault["type"] == "string_type"
    assert fault["loc"] == ["body", "instruction"]


@pytest.mark.parametrize("wrong", ["delete", "", "EDIT", 1, None, [], "edit "])
def test_a_wrong_job_type_is_an_enum_error_at_that_field(client, finished, wrong):
    fault = only_fault(client.post(f"/{finished['id']}/jobs", json={"job_type": wrong, "instruction": "x"}))
    assert fault["type"] == "enum"
    assert fault["loc"][-1] == "job_type"


def test_missing_fields_are_all_named(client, finished):
    found = faults(client.post(f"/{finished['id']}/jobs", json={}))
    assert [(fault["type"], fault["loc"]) for fault in found] == [
        ("missing", ["body", "job_type"]),
        ("missing", ["body", "instruction"]),
    ]


def test_no_body_at_all_is_422(client, place):
    fault = only_fault(client.post(place[0]))
    assert (fault["type"], fault["loc"]) == ("missing", ["body"])


@pytest.mark.parametrize(
    "text", ["{", "", "nonsense", '{"instruction": "abcdef",}', "{'instruction': 'abcdef'}", "\ufeff{}"]
)
def test_what_is_no_json_is_422(client, place, text):
    assert faults(post_raw(client, text.encode(), place[0]))


@pytest.mark.parametrize("text", ["[]", "7", '"text"', "null", "true"])
def test_json_that_is_no_object_is_422(client, place, text):
    assert faults(post_raw(client, text, place[0]))


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_know_is_422_even_in_an_unknown_field(client, place, constant):
    url, body = place
    text = json.dumps(body | {"other": "HERE"}).replace('"HERE"', constant)
    assert only_fault(post_raw(client, text, url))["type"] == "json_invalid"


def test_unknown_fields_are_ignored(client):
    body = {"instruction": GENERATE, "id": "mine", "status": "completed", "other": {"deep": [1, None]}}
    answer = client.post("/projects/", json=body)
    assert answer.status_code == 200
    assert answer.json()["id"] != "mine"


@pytest.mark.parametrize("text", ['"abc\\ud800def"', '"\\udfff abcdef"'])
def test_a_lone_surrogate_in_the_text_is_422(client, place, text):
    url, body = place
    content = json.dumps(body | {"instruction": "HERE"}).replace('"HERE"', text)
    assert only_fault(post_raw(client, content, url))["loc"] == ["body", "instruction"]


def test_a_surrogate_pair_is_a_character_like_any_other(client):
    answer = post_raw(client, '{"instruction": "error: \\ud83d\\ude00"}')
    assert answer.json()["instruction"] == "error: \N{GRINNING FACE}"


@pytest.mark.parametrize("text", ["abc\0def", "\0abcdef", "abcdef\0"])
def test_a_nul_in_the_text_is_422(client, place, text):
    url, body = place
    assert only_fault(client.post(url, json=body | {"instruction": text}))["loc"] == ["body", "instruction"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x", ";", None]
)
def test_a_content_type_that_is_not_json_is_422(client, place, kind):
    url, body = place
    headers = {} if kind is None else {"Content-Type": kind}
    assert faults(post_raw(client, json.dumps(body), url, headers))


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/merge-patch+json"]
)
def test_every_way_to_say_json_is_understood(client, kind):
    answer = post_raw(client, json.dumps({"instruction": GENERATE}), headers={"Content-Type": kind})
    assert answer.status_code == 200


def test_bytes_that_are_no_utf8_are_422(client, place):
    assert only_fault(post_raw(client, b'{"instruction": "abc\xff\xfe def"}', place[0]))["type"] == "json_invalid"


@pytest.mark.parametrize(("depth", "ignored"), [(100, 200), (1_500, 422), (30_000, 422)])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_refused_or_ignored_and_never_a_fault_of_ours(client, place, depth, ignored, brackets):
    begin, end = brackets
    url, body = place
    nested = begin * min(depth, 10_000 // len(begin)) + "1" + end * min(depth, 10_000 // len(begin))
    for field, status in (("instruction", 422), ("other", ignored)):
        text = json.dumps(body | {field: "HERE"}).replace('"HERE"', nested)
        assert post_raw(client, text, url).status_code == status


@pytest.mark.parametrize("digits", [30, 4_000, 5_000, 20_000])
def test_huge_integers_are_422_in_the_text_and_never_a_fault_of_ours(client, place, digits):
    url, body = place
    text = json.dumps(body | {"instruction": "HERE"}).replace('"HERE"', "9" * digits)
    assert only_fault(post_raw(client, text, url))["type"] in {"string_type", "json_invalid"}


def test_what_is_echoed_is_short_and_can_always_be_encoded(client, place):
    url, body = place
    wrong = {"k" * 5000: ["v" * 1000] * 40, "\udc80": "\udc80", "big": 10**300, "deep": [[[[[1]]]]]}
    answer = client.post(url, content=json.dumps(body | {"instruction": wrong}), headers=JSON)
    fault = only_fault(answer)
    assert fault["type"] == "string_type"
    assert len(answer.content) < 8_000
    infinite = post_raw(client, json.dumps(body | {"instruction": "HERE"}).replace('"HERE"', "1e999"), url)
    assert only_fault(infinite)["input"] == "inf"


def test_a_bad_body_wins_over_an_unknown_project(client):
    for project_id in (str(uuid.uuid4()), "no-uuid"):
        assert faults(client.post(f"/{project_id}/jobs", json={"job_type": "edit", "instruction": " "}))
        assert client.post(f"/{project_id}/jobs", json={"job_type": "edit", "instruction": "x"}).status_code == 404


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many", "", "1.5", "9" * 30])
def test_a_limit_that_is_no_number_from_1_to_100_is_422(client, finished, limit):
    for url in ("/projects/", f"/{finished['id']}/jobs"):
        assert only_fault(client.get(url, params={"limit": limit}))["loc"] == ["query", "limit"]


@pytest.mark.parametrize("key", ["", "k" * 256, "two words", "k\u00e9"])
def test_an_idempotency_key_is_printable_ascii_of_at_most_255_characters(client, key):
    answer = client.post(
        "/projects/", json={"instruction": GENERATE}, headers={b"Idempotency-Key": key.encode("latin-1")}
    )
    assert only_fault(answer)["loc"][0] == "header"
