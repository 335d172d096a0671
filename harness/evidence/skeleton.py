"""What a run keeps in the mode ``metadata_only``: the skeleton of what happened, with contents taken out. Pure.

Kept are codes, times, sizes, digests, ids, names of files, and words under the keys that ``judging.needs`` names.
Everything else a subject or a ladder has said becomes ``[CONTENT_EXCLUDED]``, in bodies, documents, programs' output,
models' replies, and where results and reasons quote them. The doubt: a name of a file, or a single word where a word
is expected, is kept whatever it says.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from harness.judging.needs import EXCLUDED, FILE_NAMES, Needs, is_leaf, needs_of_item, needs_of_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.evidence.exchanges import Answer, Sent
    from harness.judging.observation import FileChanges, Judgement, ProgramRun, Vote
    from harness.judging.results import CheckResult

_WORD: Final = re.compile(r"[\w.:/+@{}$-]{1,200}")
_KEY: Final = re.compile(r"[A-Za-z_][\w.-]{0,63}")
_ID: Final = re.compile(r"(?:sha256:)?[0-9a-f]{8,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_NAME: Final = 512

_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|$)')
_MISSED: Final = re.compile(r"(?P<head>\S+:\d+:\d+: (?:undecided: )?)(?P<path>.*): wanted (?P<rest>.*)", re.DOTALL)
_OPERATORS: Final = "eq|ne|in|gte?|lte?|exists|length|contains(?:_all|_match)?|matches|one_each"
_NOT_READY: Final = re.compile(
    rf"(?P<head>(?:not ready|stopped): )(?P<path>.*?) (?P<rest>(?:{_OPERATORS}) .*)", re.DOTALL
)
_FAULT: Final = re.compile(r"(.*a fault of the harness: \w+).*", re.DOTALL)
_SKELETON_PATHS: Final = ("status", "headers.", "duration", "files_changed", "container", "no_secrets", "trace.capture")


def skeleton(value: Any, name: str = "") -> Any:  # noqa: ANN401  # JSON values
    """The skeleton of a JSON value.

    Args:
        value: Any document.
        name: The key that it stands under.
    """
    if isinstance(value, dict):
        return {_key(key): skeleton(item, key) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [skeleton(item, name) for item in value]
    if value is None or (is_leaf(name) and _is_kept(value, name)):
        return value
    return EXCLUDED


def _key(key: str) -> str:
    return key if _KEY.fullmatch(key) else EXCLUDED


def _is_kept(value: object, name: str) -> bool:
    """Whether a value has the shape of what its key promises: a number, a word, or a name of a file."""
    if not isinstance(value, str):
        return True
    is_name = name in FILE_NAMES and value.isprintable() and len(value) <= _LONGEST_NAME
    return is_name or _WORD.fullmatch(value) is not None


def skeleton_json(text: str) -> str:
    """The skeleton of a JSON text; of one that is none, nothing is kept."""
    try:
        return json.dumps(skeleton(json.loads(text)))
    except (ValueError, RecursionError):
        return json.dumps(EXCLUDED)


def sent(request: Sent) -> Sent:
    """A request without its body and its query."""
    path, mark, _ = request.path.partition("?")
    return replace(request, path=f"{path}?{EXCLUDED}" if mark else path, text=excluded(request.text))


def answer(came: Answer) -> Answer:
    """An answer without its contents; sizes and digests are those of what came."""
    body = came.exchange().body
    try:
        kept = None if body is None else json.dumps(skeleton(body))
    except RecursionError:
        kept = None
    return replace(came, text=excluded(came.text), body_json=kept)


def excluded(text: str) -> str:
    """What stands for a text; nothing for an empty one, so that empty is still told from full."""
    return EXCLUDED if text else ""


def changes(files: FileChanges) -> FileChanges:
    """Names and digests of files are kept as they are."""
    return replace(files, doubt=reason(files.doubt))


def program(run: ProgramRun) -> ProgramRun:
    """A run of a program without what it printed."""
    return replace(run, stdout=excluded(run.stdout), error=reason(run.error))


def judgement(asked: Judgement) -> Judgement:
    """What a model was asked, without its words."""
    return replace(asked, votes=tuple(map(_vote, asked.votes)), error=reason(asked.error))


def _vote(vote: Vote) -> Vote:
    return replace(vote, reply=excluded(vote.reply), reasoning=excluded(vote.reasoning), error=reason(vote.error))


def result(judged: CheckResult) -> CheckResult:
    """A result; what was wanted and what was there are kept only of a check that looks at the skeleton."""
    if judged.text.startswith(("implied", "capture ")):
        return replace(judged, wanted=_words(judged.wanted), got=_words(judged.got))
    if _needs(judged.text) is Needs.SKELETON:
        return replace(judged, wanted=_words(judged.wanted), got=_words(judged.got))
    return replace(judged, wanted=excluded(judged.wanted), got=excluded(judged.got))


def _needs(text: str) -> Needs:
    try:
        return needs_of_item(json.loads(text))
    except (ValueError, RecursionError):
        return Needs.CONTENT


def _words(text: str) -> str:
    """A text in which every quoted value that is no word is taken out."""
    return _QUOTED.sub(lambda found: found[0] if _WORD.fullmatch(found[1]) else f'"{EXCLUDED}"', text)


def reason(text: str) -> str:
    """A reason without what it quotes: of a check on contents all of it, else every quoted value that is no word."""
    if found := _FAULT.fullmatch(text):
        return f"{found[1]}: {EXCLUDED}"
    for form in (_MISSED, _NOT_READY):
        if found := form.fullmatch(text):
            wanted = " wanted " if form is _MISSED else " "
            colon = ":" if form is _MISSED else ""
            rest = _words(found["rest"]) if _is_of_skeleton(found["path"]) else EXCLUDED
            return f"{found['head']}{found['path']}{colon}{wanted}{rest}"
    return _QUOTED.sub(f'"{EXCLUDED}"', text)


def _is_of_skeleton(path: str) -> bool:
    return path.startswith(_SKELETON_PATHS) or needs_of_path(path, {"eq": 0}) is Needs.SKELETON


def is_id(value: object) -> bool:
    """Whether a value is an id or a digest by its shape."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def leaves(value: Any) -> Iterator[Any]:  # noqa: ANN401  # JSON values
    """Every value of a document that holds no other."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list | tuple):
            left += one
        else:
            yield one
