"""Request bodies as JSON in the strict sense of RFC 8259: what Python's parser lets pass beyond it is refused.

NaN and infinities, bytes that are no UTF-8, numbers and nestings beyond the parser's limits: each is a decoding error,
so it is answered with 422 like any other body that is no JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from fastapi.routing import APIRoute
from starlette.requests import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response


class StrictJsonRequest(Request):
    """A request whose ``json()`` is strict."""

    async def json(self) -> Any:  # noqa: ANN401  # any JSON value
        """Parse the body.

        Raises:
            json.JSONDecodeError: The body is no JSON.
        """
        body = await self.body()
        try:
            return json.loads(body.decode("utf-8"), parse_constant=_refuse)
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            # UnicodeDecodeError, integers beyond Python's digit limit, and nesting beyond its stack.
            raise json.JSONDecodeError(type(error).__name__, "", 0) from error


def _refuse(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is not JSON", "", 0)


class StrictJsonRoute(APIRoute):
    """A route that reads its body strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's handler."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictJsonRequest(request.scope, request.receive))

        return strict
