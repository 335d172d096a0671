"""``ladder report``: where it writes, what it never writes, and how it ends."""

import io
import json

import pytest
from stored_runs import ladder, read_entry

from harness.errors import PrerequisiteError, UsageError
from harness.redaction.redactor import Redactor
from harness.redaction.secret import NamedSecret, Secret, SecretSet
from harness.reporting.choices import ReportForm
from harness.reporting.report import make_report, shown_on, write_report


@pytest.fixture
def redactor():
    return Redactor(SecretSet(()))


@pytest.mark.parametrize("form", ReportForm)
def test_every_form_can_be_written_to_a_file(bundle, root, tmp_path, form):
    output = tmp_path / "report"
    done = ladder("report", bundle.name, "--out", root, "--format", form, "--output", output)
    assert (done.returncode, done.stdout) == (0, "")
    assert output.read_text()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_without_a_run_the_newest_is_reported_on_in_markdown(bundle, twin, root):
    done = ladder("report", "--out", root)
    assert done.returncode == 0
    assert done.stdout.startswith(f"# ✗ FAIL: run `{twin.name}`")
    assert bundle.name not in done.stdout.splitlines()[0]


@pytest.mark.parametrize(
    "form", [ReportForm.HTML, ReportForm.MARKDOWN, ReportForm.JUNIT, ReportForm.CTRF, ReportForm.OTLP]
)
def test_a_damaged_run_is_reported_and_the_command_ends_with_1(bundle, root, tmp_path, form):
    (bundle / "live/L01/response.json").write_text("{}")
    output = tmp_path / "report"
    done = ladder("report", bundle.name, "--out", root, "--format", form, "--output", output)
    assert done.returncode == 1
    assert "error[run-not-sound]" in done.stderr
    assert "hash-mismatch: live/L01/response.json" in output.read_text()


def test_a_damaged_run_gets_no_statement(bundle, root, tmp_path):
    (bundle / "live/L01/response.json").write_text("{}")
    done = ladder("report", bundle.name, "--out", root, "--format", "intoto", "--output", tmp_path / "report")
    assert done.returncode == 1
    assert not (tmp_path / "report").exists()


def test_for_programs_one_document_holds_the_report_or_says_where_it_is(bundle, root, tmp_path):
    told = json.loads(ladder("report", bundle.name, "--out", root, "--format", "html", "--json").stdout)
    assert (told["condition"], told["sound"], told["signed"], told["reason"]) == ("finished", True, False, None)
    assert told["report"].startswith("<!doctype html>")
    output = tmp_path / "report.html"
    told = json.loads(
        ladder("report", bundle.name, "--out", root, "--format", "html", "--json", "--output", output).stdout
    )
    assert (told["output"], told["report"]) == (str(output), None)


def test_nothing_is_written_into_the_run_that_is_told_of(bundle, redactor, tmp_path):
    report = make_report(read_entry(bundle), ReportForm.JUNIT, redactor)
    (tmp_path / "way").symlink_to(bundle)
    for output in (bundle / "reports/report.html", bundle / "run.json", tmp_path / "way/x.html"):
        with pytest.raises(UsageError, match="sealed"):
            write_report(report, output, sealed=bundle)


def test_a_file_that_cannot_be_written_is_an_error_that_names_it(bundle, redactor, tmp_path):
    report = make_report(read_entry(bundle), ReportForm.JUNIT, redactor)
    with pytest.raises(PrerequisiteError, match="cannot be written"):
        write_report(report, tmp_path / "no/such/folder/x.xml", sealed=bundle)


def test_a_link_is_followed_to_the_file_that_is_replaced(bundle, redactor, tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    report = make_report(read_entry(bundle), ReportForm.JUNIT, redactor)
    write_report(report, tmp_path / "link", sealed=bundle)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == report.text


@pytest.mark.parametrize("form", ReportForm)
def test_a_secret_that_was_not_known_when_the_run_was_sealed_does_not_leave_now(bundle, form):
    """The address of the backend, the title of a scenario and a trace's path stand for what might turn out secret."""
    words = {"L01 Create", "GET /odd", "POST /api/v1/projects/", "mocked/RERUN/M01", "mocked.ladder.yaml"}
    text = make_report(read_entry(bundle), form, Redactor(SecretSet(()))).text
    secrets = SecretSet(tuple(NamedSecret(f"N{n}", Secret(word)) for n, word in enumerate(words) if word in text))
    assert secrets
    redacted = make_report(read_entry(bundle), form, Redactor(secrets)).text
    assert "[REDACTED]" in redacted
    assert not [word for word in words if word in text and word in redacted]


def test_without_secrets_the_redactor_changes_nothing(bundle, redactor):
    class Plain:
        text = json = line = staticmethod(lambda text, source="": text)

    for form in ReportForm:
        made = [make_report(read_entry(bundle), form, each).text for each in (redactor, Plain())]
        assert made[0] == made[1]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_what_it_would_obey_spelt_out_and_a_program_gets_the_bytes():
    assert shown_on(Terminal(), "a\x9b31m\n") == "a\\x9b31m\n"
    assert shown_on(io.StringIO(), "a\x9b31m\n") == "a\x9b31m\n"
