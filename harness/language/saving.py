"""What ``save`` writes into a file: a template, a value of the answer, or the excerpt of a result. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.language.excerpt import excerpt
from harness.language.expressions import EXCERPT, search
from harness.language.variables import as_text, is_template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.language.variables import Scope


def saved_text(file: str, value: str, *, document: Mapping[str, Any], scope: Scope) -> str | None:
    """The text of one artifact; ``None`` when there is nothing to write, which ``evidence`` will miss.

    Args:
        file: Its name; ``.json`` is indented, in any other file a value of the answer ends with a newline.
        value: As written in the ladder.
        document: ``status``, ``headers``, ``body``, ``text`` and ``doc``.
        scope: Variables, the step's own captures among them.

    Raises:
        UnknownVariableError: A template names a variable that has no value.
    """
    found = scope.fill(value) if is_template(value) else _found(value, document)
    if found is None:
        return None
    if file.endswith(".json"):
        return _json(found)
    text = as_text(found)
    return text if is_template(value) or text.endswith("\n") else f"{text}\n"


def _found(value: str, document: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON values
    return excerpt(document.get("doc")) if value == EXCERPT else search(value, document)


def _json(value: Any) -> str:  # noqa: ANN401  # JSON values
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate, which JSON may carry and UTF-8 may not.
        return json.dumps(value, indent=2) + "\n"
    return text
