"""The published OpenAPI document, told the truth about tokens and about what cannot be invalid.

The framework lists a 422 for every parameter, of its own shape; here a parameter without rules cannot be invalid, and
the routes that do answer 422 document our shape themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi.openapi.utils import get_openapi

from backend.api.documented import error_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

_SCHEME: Final = {"type": "http", "scheme": "bearer", "description": "one of API_TOKENS"}
_FOREIGN: Final = ("HTTPValidationError", "ValidationError")
_ABOUT: Final = """\
Projects are workspaces; jobs change them, one at a time in order of arrival. Every 4xx and 5xx answer has the same
envelope, whose `correlation_id` is the request's trace id. A file path goes out percent-encoded and is decoded once.
"""


def describe(app: FastAPI, *, tokens: bool, health: str) -> None:
    """Publish the document of the application's routes.

    Args:
        app: The application, with all routes in place.
        tokens: Whether API_TOKENS is set.
        health: The one path that never asks for a token.
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            built = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
            _remove_foreign_errors(built)
            if tokens:
                _ask_for_tokens(built, health)
            app.openapi_schema = built
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the documented way to extend it


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def _remove_foreign_errors(document: dict[str, Any]) -> None:
    foreign = {"$ref": f"#/components/schemas/{_FOREIGN[0]}"}
    for _, operation in _operations(document):
        answer = operation["responses"].get("422", {})
        if answer.get("content", {}).get("application/json", {}).get("schema") == foreign:
            del operation["responses"]["422"]
    for name in _FOREIGN:
        document["components"]["schemas"].pop(name, None)


def _ask_for_tokens(document: dict[str, Any], health: str) -> None:
    document["components"]["securitySchemes"] = {"bearer": _SCHEME}
    document["security"] = [{"bearer": []}]
    answer = error_answer(401)
    del answer["model"]
    answer["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}}}
    for path, operation in _operations(document):
        if path == health:
            operation["security"] = []
        else:
            operation["responses"]["401"] = answer
