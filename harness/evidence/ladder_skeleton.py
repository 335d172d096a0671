"""A ladder as the mode ``metadata_only`` keeps it: what is sent is taken out, what is judged stays, line by line.

Taken out are the texts of requests: strings under ``json`` and ``with``, and the variables that they name, unless they
are a reference or a word; what stands under ``instruction`` is taken out whatever it is. Lines keep their numbers, so
that a check is still found where results say. The doubt: comments stay.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from harness.judging.needs import EXCLUDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import yaml

_SENT: Final = frozenset({"json", "with"})
_VARIABLES: Final = "vars"
_ALWAYS: Final = "instruction"
_REFERENCE: Final = re.compile(r"\$\{[^{}]*\}")
_WORD: Final = re.compile(r"[\w.:/+@${}-]{1,200}")


def without_instructions(text: str) -> str:
    """The text of a ladder with what it sends taken out; a text that is no YAML is taken out whole."""
    import yaml

    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return f"{EXCLUDED}\n"
    found = sorted({_span(node, text) for node in _sent(root, text)}, reverse=True)
    for start, end, column in found:
        # A text of several lines leaves empty ones, so that what follows stays on its line, and in its column.
        lines = text.count("\n", start, end)
        text = f'{text[:start]}"{EXCLUDED}"' + ("\n" * lines + " " * column if lines else "") + text[end:]
    return text


def without_texts(variables: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Variables of a ladder, filled in, as its copy keeps them.

    Args:
        variables: By name.
        text: Of the ladder, which says which of them are sent.
    """
    named = set(_references(text))
    return {name: _kept(value, is_sent=name in named) for name, value in variables.items()}


def _kept(value: Any, *, is_sent: bool) -> Any:  # noqa: ANN401  # JSON values
    if isinstance(value, dict):
        return {key: _kept(item, is_sent=is_sent) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(item, is_sent=is_sent) for item in value]
    if not isinstance(value, str) or _REFERENCE.fullmatch(value):
        return value
    return value if _WORD.fullmatch(value) and not is_sent else EXCLUDED


def _references(text: str) -> Iterator[str]:
    """Names of the variables that requests are made of."""
    import yaml

    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return
    for key, node in _scalars(root, ""):
        if key in _SENT or key == _ALWAYS:
            yield from (found[2:-1] for found in _REFERENCE.findall(node.value))


def _sent(root: yaml.Node | None, text: str) -> Iterator[yaml.ScalarNode]:
    """Every text that is sent, or is the value of a variable that is."""
    named = set(_references(text))
    for key, node in _scalars(root, ""):
        if not _is_text(node) or _REFERENCE.fullmatch(node.value):
            continue
        is_word = _WORD.fullmatch(node.value) is not None
        name = key.removeprefix(f"{_VARIABLES} ")
        if key == _ALWAYS or (key in _SENT and not is_word) or (name != key and (not is_word or name in named)):
            yield node


def _is_text(node: yaml.ScalarNode) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:str")


def _scalars(node: Any, place: str) -> Iterator[tuple[str, yaml.ScalarNode]]:  # noqa: ANN401  # nodes of YAML
    """Each scalar with what it belongs to: ``json``, ``with``, ``instruction``, or ``vars NAME``."""
    import yaml

    if isinstance(node, yaml.ScalarNode):
        yield place, node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item, place)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(value, _below(place, str(key.value)))


def _below(place: str, key: str) -> str:
    if place == _VARIABLES:
        return f"{_VARIABLES} {key}"
    if place in _SENT and key == _ALWAYS:
        return _ALWAYS
    if place in _SENT or place.startswith((f"{_VARIABLES} ", _ALWAYS)):
        return place
    return key if key in _SENT or key == _VARIABLES else ""


def _span(node: yaml.ScalarNode, text: str) -> tuple[int, int, int]:
    """Where a scalar begins and ends in the text, and in which column."""
    lines = text.splitlines(keepends=True)
    start = sum(map(len, lines[: node.start_mark.line])) + node.start_mark.column
    end = sum(map(len, lines[: node.end_mark.line])) + node.end_mark.column
    return start, end, node.end_mark.column
