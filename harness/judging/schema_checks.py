"""Whether a document satisfies a JSON Schema that lies beside the ladder; the first mismatch is told by its pointer.

Pure: schemas come parsed, references that lead out of the file are not fetched, and patterns are RE2 like all others.
A schema is made ready once, since checking it takes many times as long as applying it. The doubt: names of properties
are matched by the library's own expressions where a schema has ``patternProperties`` beside ``additionalProperties``.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from harness.judging.results import Finding, Outcome, plain, show
from harness.language.expressions import ExpressionError, matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

    from harness.judging.observation import Observation
    from harness.language.model import Check


MOST_READY: Final = 64
"""Schemas that are kept ready; a ladder has a handful."""


def make_ready(rules: Any) -> None:  # noqa: ANN401  # JSON values
    """Do before a climb what its first check would wait for: load the library and make the schema ready.

    A schema that cannot be applied is no error here; the check will tell.
    """
    _tried(rules, None)


def schema(check: Check, observation: Observation) -> Finding:
    """Judge a ``schema`` check on ``doc``."""
    name = check.argument
    if name not in observation.schemas:
        return Finding(Outcome.UNDECIDED, "doc", f"schema {name}", "the schema was not read")
    return _first_mismatch(name, observation.schemas[name], observation.doc)


def _first_mismatch(name: str, rules: Any, doc: Any) -> Finding:  # noqa: ANN401  # JSON values
    error = _tried(rules, doc)
    if isinstance(error, str):
        return Finding(Outcome.UNDECIDED, "doc", f"schema {name}", error)
    if error is None:
        return Finding(Outcome.HELD, "doc", f"schema {name}", show(doc))
    wanted = f"schema {name}: {error.validator} {show(error.validator_value)}"
    return Finding(Outcome.MISSED, f"doc{_pointer(error.absolute_path)}", wanted, show(error.instance))


def _tried(rules: Any, doc: Any) -> ValidationError | str | None:  # noqa: ANN401  # JSON values
    """The first mismatch; a text says why there is no telling."""
    from jsonschema.exceptions import SchemaError
    from referencing.exceptions import Unresolvable

    try:
        # As written: the order of the keys decides which mismatch is the first.
        return next(_validator(json.dumps(rules)).iter_errors(doc), None)
    except (SchemaError, Unresolvable, ExpressionError, RecursionError) as reason:
        return plain(f"the schema cannot be applied: {reason}")


def _pointer(parts: Any) -> str:  # noqa: ANN401  # a deque of keys and indices
    """RFC 6901; empty for the whole document."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


@lru_cache(maxsize=MOST_READY)
def _validator(text: str) -> Validator:
    from jsonschema.validators import Draft202012Validator, extend, validator_for
    from referencing import Registry

    rules = json.loads(text)
    chosen = validator_for(rules, default=Draft202012Validator)
    chosen.check_schema(rules)
    ours = extend(chosen, {"pattern": _pattern, "patternProperties": _pattern_properties})  # type: ignore[no-untyped-call]
    # An empty registry fetches nothing; the library's own would ask the network for a foreign reference.
    made: Validator = ours(rules, registry=Registry())
    return made


def _pattern(_validator: Validator, wanted: str, value: Any, _rules: Any) -> Iterator[Any]:  # noqa: ANN401  # JSON
    from jsonschema.exceptions import ValidationError

    if isinstance(value, str) and not matches(wanted, value):
        yield ValidationError(f"no match for {wanted!r}")


def _pattern_properties(validator: Any, wanted: Any, value: Any, _rules: Any) -> Iterator[Any]:  # noqa: ANN401  # JSON
    if isinstance(value, dict):
        for pattern, rules in wanted.items():
            for key in [key for key in value if matches(pattern, key)]:
                yield from validator.descend(value[key], rules, path=key, schema_path=pattern)
