"""The published OpenAPI document, told the truth about tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

if TYPE_CHECKING:
    from fastapi import FastAPI

_SCHEME = {"type": "http", "scheme": "bearer", "description": "one of API_TOKENS"}


def describe(app: FastAPI, *, tokens: bool, health: str) -> None:
    """Publish the document of the application's routes.

    Args:
        app: The application, with all routes in place.
        tokens: Whether API_TOKENS is set.
        health: The one path that never asks for a token.
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            built = get_openapi(title=app.title, version=app.version, routes=app.routes)
            app.openapi_schema = _secured(built, health) if tokens else built
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the documented way to extend it


def _secured(document: dict[str, Any], health: str) -> dict[str, Any]:
    document["components"]["securitySchemes"] = {"bearer": _SCHEME}
    document["security"] = [{"bearer": []}]
    for operation in document["paths"][health].values():
        operation["security"] = []
    return document
