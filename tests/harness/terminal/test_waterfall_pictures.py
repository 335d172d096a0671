"""Pictures of traces: fit for every width, plain where nothing can show colours, and obeying nothing that they show."""

import io
from dataclasses import replace

import pytest
from broken_streams import BrokenPipe, Terminal, ascii_only, closed
from rich.cells import cell_len
from support.judge_traces import BEGAN, MS, ROOT, STEP, span, whole_trace, write
from support.traced_runs import FIRST, climb_trace, other_trace, store_run

from harness.evidence.reading import list_runs
from harness.judging.verdict import Verdict
from harness.terminal.waterfall import document_of, draw
from harness.terminal.waterfall_bars import Pens, Ruler, took_words
from harness.terminal.waterfall_rows import Extent
from harness.traces.reading import OneTrace, StoredTrace, open_traces
from harness.traces.records import Outcome, SpanStatus

HOSTILE = "\x1b[31mred\x1b[0m [bold]markup[/bold] :smile: \u202egnp.exe\u2066 \x07\x9b2J\r\n\u200b"
UTF = Pens("#", ".", "x")


class Entry:
    """All that a picture asks of a run's folder."""

    name, run_id = "2026-11-21T09:43:56Z", "run-1"


def picture(found, width=80, stream=None, fold=True, **environ):
    stream = io.StringIO() if stream is None else stream
    draw(found, stream, {"COLUMNS": str(width), **environ}, fold=fold)
    return stream.getvalue()


def of_trace(trace, record=FIRST):
    return OneTrace(Entry(), record, StoredTrace(trace, {}))


@pytest.fixture
def run(tmp_path):
    store_run(tmp_path)
    return open_traces(list_runs(tmp_path), "", "")


def test_a_trace_is_drawn_to_scale_with_its_head_and_its_writes():
    assert picture(of_trace(whole_trace()), 100).splitlines() == [
        "live/L01 PASS  Create",
        "  trace: 01a1fd7d-b744-754c-852f-bcd89d7b3396",
        "  run: 2026-11-21T09:43:56Z",
        "  capture: active (2 hooks)",
        "  incomplete: the end of a span was never seen",
        "",
        "   SPAN                                     LAYER   DURATION  0                              20.0 ms",
        "   scenario L01                             TEST     20.0 ms  ██████████████████████████████████████",
        "     step create                            TEST     10.0 ms       ████████████████████",
        "       POST /api/v1/projects/               HTTP     10.0 ms       ████████████████████",
        "         POST /api/v1/projects/             HTTP     10.0 ms       ████████████████████",
        "           job                              APP      10.0 ms       ████████████████████",
        "?            worker run                     WORKER                 █░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░",
        "             UPDATE jobs 1 row committed    DB       0.25 ms           █",
        "           INSERT projects 1 row committed  DB       0.25 ms           █",
        "? its end was never seen",
        "",
        "2 writes",
        "OP      TABLE     ROWS  OUTCOME    SPAN",
        "INSERT  projects     1  committed  POST /api/v1/projects/",
        "UPDATE  jobs         1  committed  job",
    ]


def test_a_run_is_drawn_as_one_line_for_each_scenario_and_says_how_to_open_one(run):
    assert picture(run).splitlines() == [
        "run 2026-11-21T09:43:56Z: FAIL in 2.0 s",
        "",
        "live  PARTIAL, 3 scenarios, trace 01a1fd7d-b700-7000-8000-bcd89d7b3396",
        "ID   VERDICT  DURATION  WRITES  TEST  HTTP  APP  WORKER  0               20.0 ms",
        "L01  PASS      20.0 ms       2     2     2    1       1  ███████████████████████",
        "L02  FAIL       1.50 s       ?     2     1    0       0  ███████████████████████",
        "L03  BLOCKED                                             not climbed",
        "WRITES ?: capture inactive, so no writes would say nothing",
        "",
        "open one: ladder trace 2026-11-21T09:43:56Z L01",
    ]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_line_fits_the_width(run, width):
    long = replace(FIRST, title="長い" * 100)
    wide = whole_trace(spans=(whole_trace().spans[0], span(STEP, ROOT, "名前" * 300)))
    for text in (picture(run, width), picture(of_trace(wide, long), width), picture(of_trace(whole_trace()), width)):
        assert max(map(cell_len, text.splitlines())) <= width
    assert "…" in picture(of_trace(wide, long), width)


def test_without_room_for_layers_a_run_tells_their_sum(run):
    assert "ID   VERDICT  DURATION  WRITES  SPANS  0" in picture(run, 60)


@pytest.mark.parametrize("width", [1, 20])
def test_a_screen_without_room_breaks_nothing(run, width):
    assert picture(run, width)
    assert picture(of_trace(whole_trace()), width)


def test_a_kind_of_failure_is_not_cut_off():
    failed = span(STEP, ROOT, "GET " + "x" * 90, status=SpanStatus.ERROR, error_type="404")
    assert "x… (404)" in picture(of_trace(whole_trace(spans=(whole_trace().spans[0], failed))), 60)


@pytest.mark.parametrize("environ", [{}, {"TERM": "xterm-256color"}, {"FORCE_COLOR": "1"}])
def test_what_is_no_terminal_gets_plain_text(run, environ):
    assert "\x1b" not in picture(run, **environ) + picture(of_trace(whole_trace()), **environ)


def test_a_terminal_gets_colours_and_no_color_takes_them_away():
    found = of_trace(whole_trace())
    assert "\x1b[32m" in picture(found, stream=Terminal(), TERM="xterm-256color")
    assert "\x1b[32m" not in picture(found, stream=Terminal(), TERM="xterm-256color", NO_COLOR="1")
    assert "\x1b" not in picture(found, stream=Terminal(), TERM="dumb")


def test_nothing_that_a_trace_says_is_obeyed():
    root = replace(
        whole_trace().root, name=HOSTILE, error_type=HOSTILE, status=SpanStatus.ERROR, attributes={"url.path": HOSTILE}
    )
    odd = write(ROOT, tables=(HOSTILE,), error_type=HOSTILE, sqlstate=HOSTILE, outcome=Outcome.FAILED)
    trace = whole_trace(spans=(root,), db_writes=(odd, write(HOSTILE)), dropped={HOSTILE: 1}, trace_id=HOSTILE)
    record = replace(FIRST, folder=HOSTILE, title=HOSTILE, reason=HOSTILE)
    for record_or_none in (record, None):
        text = picture(of_trace(trace, record_or_none), 1000)
        assert not set("\x1b\x07\x9b\r\u202e\u2066\u200b") & set(text)
        assert "[bold]markup[/bold] :smile:" in text
    untold = whole_trace(db_writes=(), capture=None, why_untold=HOSTILE)
    assert "\x1b" not in picture(of_trace(untold), 1000)


def test_nothing_that_a_run_says_is_obeyed(tmp_path):
    record = replace(FIRST, id=f"L{HOSTILE}", folder=f"{HOSTILE}/L01", title=HOSTILE)
    odd = replace(climb_trace(), pipelines=({"pipeline_status": HOSTILE},))
    store_run(tmp_path, (record,), (whole_trace(), odd))
    text = picture(open_traces(list_runs(tmp_path), "", ""), 1000)
    assert not set("\x1b\x07\x9b\r\u202e\u2066\u200b") & set(text)


def test_no_writes_is_said_only_where_somebody_watched_and_nothing_was_lost():
    bare = whole_trace(db_writes=())
    last = {
        "watched": picture(of_trace(bare)).splitlines()[-1],
        "lost": picture(of_trace(replace(bare, dropped={"judge": 3}))).splitlines()[-1],
        "untold": picture(of_trace(replace(bare, capture=None, why_untold="HTTP 404"))).splitlines()[-1],
        "unhooked": picture(of_trace(replace(bare, capture=replace(bare.capture, active=False)))).splitlines()[-1],
    }
    assert last == {
        "watched": "no writes",
        "lost": "no writes among what was kept; lost: 3 by judge",
        "untold": "writes unknown: capture inactive: HTTP 404",
        "unhooked": "writes unknown: capture inactive: the backend's hooks are not installed",
    }


def test_the_trace_of_a_climb_has_no_table_of_writes():
    text = picture(of_trace(climb_trace(), None))
    assert text.startswith("climb\n")
    assert "pipeline step L01" in text
    assert "no writes" not in text


def test_a_write_of_a_missing_span_is_in_the_table():
    assert "span ffffffffffffffff is missing" in picture(of_trace(whole_trace(db_writes=(write("f" * 16),))))


def test_folded_rows_say_so_and_all_shows_each():
    calls = tuple(span(f"{at + 100:016x}", STEP, "GET") for at in range(6))
    found = of_trace(whole_trace(spans=(*whole_trace().spans[:2], *calls)))
    assert "several as one line, --all shows each" in picture(found)
    assert picture(found, fold=False).count(" GET ") == 6
    assert "several" not in picture(found, fold=False)


def test_a_damaged_trace_is_told_below_the_others(tmp_path):
    folder = store_run(tmp_path)
    file = folder / "traces" / f"{FIRST.trace_id}.json"
    file.write_text("{")
    text = picture(open_traces(list_runs(tmp_path), "", ""))
    assert "damaged" in text
    assert f"L01: traces/{FIRST.trace_id}.json: no JSON" in text


def test_a_run_in_which_one_id_stands_twice_names_the_folder(tmp_path):
    again = replace(FIRST, folder="mocked/RERUN/L01")
    store_run(tmp_path, (FIRST, again))
    assert "open one: ladder trace 2026-11-21T09:43:56Z live/L01" in picture(open_traces(list_runs(tmp_path), "", ""))


def test_an_encoding_without_blocks_gets_other_signs():
    stream = ascii_only()
    draw(of_trace(whole_trace()), stream, {"COLUMNS": "80"}, fold=True)
    text = stream.buffer.getvalue().decode("ascii")
    assert "####" in text
    assert "#...." in text


@pytest.mark.parametrize("stream", [BrokenPipe(), closed()], ids=["pipe", "closed"])
def test_a_stream_that_breaks_breaks_nothing(stream):
    draw(of_trace(whole_trace()), stream, {}, fold=True)


def test_a_width_that_cannot_be_meant_is_not_believed():
    for columns in ("", "0", "-5", "wide", "9" * 30, "²"):
        text = picture(of_trace(whole_trace()), columns)
        assert max(map(cell_len, text.splitlines())) == 100


@pytest.mark.parametrize(
    ("start", "end", "bar"),
    [
        (0, 100, "##########"),
        (0, 0, "#"),
        (50, 60, "     #"),
        (55, 65, "     ##"),
        (99, 100, "         #"),
        (100, 100, "         #"),
        (-50, -20, "#"),
        (500, 10**30, "         #"),
        (80, None, "        #."),
        (60, 20, "      #"),
    ],
)
def test_a_bar_lies_where_its_span_lay(start, end, bar):
    assert Ruler(Extent(0, 100), 10, UTF).bar(start, end) == bar


def test_a_trace_that_took_no_time_has_bars_all_the_same():
    assert Ruler(Extent(BEGAN, BEGAN), 10, UTF).bar(BEGAN, BEGAN) == "#"


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0.00 ms"),
        (160_000, "0.16 ms"),
        (10_700_000, "10.7 ms"),
        (389 * MS, "389 ms"),
        (1_234 * MS, "1.23 s"),
        (125_000 * MS, "2 min 05 s"),
    ],
)
def test_a_duration_is_told_as_exactly_as_anybody_reads_it(ns, words):
    assert took_words(ns) == words


def test_programs_get_the_stored_document_and_the_rows(tmp_path):
    store_run(tmp_path)
    found = open_traces(list_runs(tmp_path), "", "L01")
    told = document_of(found, fold=True)
    assert (told["scenario"], told["verdict"], told["trace"]) == ("L01", Verdict.PASS, found.stored.document)
    assert told["waterfall"][1] == {
        "depth": 1,
        "label": "step create",
        "layer": "TEST",
        "span_id": STEP,
        "offset_ms": 3.0,
        "duration_ms": 10.0,
        "marks": (),
        "failure": None,
        "count": 1,
        "hidden_writes": 0,
    }


def test_programs_get_the_counts_of_a_run(run):
    [climb] = document_of(run, fold=True)["climbs"]
    assert (climb["part"], climb["pipeline_status"], climb["trace"]["case_id"]) == ("live", "PARTIAL", "")
    first, second, third = climb["scenarios"]
    assert (first["writes"], first["committed"], first["capture_active"]) == (2, 2, True)
    assert first["spans"] == {"TEST": 2, "HTTP": 2, "APP": 1, "WORKER": 1}
    assert (second["capture_active"], second["writes"]) == (False, 0)
    assert (third["spans"], third["writes"], third["why"]) == (None, None, "not climbed")


def test_writes_that_were_undone_are_not_counted_as_there(tmp_path):
    undone = other_trace(capture=whole_trace().capture, db_writes=(write(ROOT, outcome=Outcome.ROLLED_BACK),))
    store_run(tmp_path, traces=(undone,))
    assert "0 of 1" in picture(open_traces(list_runs(tmp_path), "", ""))
