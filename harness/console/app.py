"""The console as one application: which address shows what. Every page has a twin for programs at ``.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from harness.console import answers, api
from harness.console.case_page import case_page
from harness.console.compare_page import compare_page
from harness.console.export import export
from harness.console.file_page import artifact, file_page
from harness.console.guard import Guard
from harness.console.live_page import live_page
from harness.console.refusals import MissingError, Refusal, fault, missing, refusal_of
from harness.console.rendering import asset
from harness.console.run_page import run_page
from harness.console.runs_page import runs_page
from harness.console.stream import stream
from harness.console.trace_page import trace_page
from harness.console.traces_page import traces_page
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from harness.console.guard import App, Scope
    from harness.console.rendering import Page
    from harness.console.sources import Sources

    Show = Callable[[Sources, Request, str], Page]
    Answer = Callable[[Sources, Request], api.Answer]

PAGES: Final[tuple[tuple[str, Show], ...]] = (
    ("/", lambda sources, request, here: runs_page(sources, request.query_params, here)),
    ("/traces", lambda sources, request, here: traces_page(sources, request.query_params, here)),
    (
        "/traces/{trace}",
        lambda sources, request, here: trace_page(sources, request.path_params, request.query_params, here=here),
    ),
    ("/live", lambda sources, _, here: live_page(sources, here)),
    ("/compare", lambda sources, request, here: compare_page(sources, request.query_params, here)),
    ("/runs/{run}", lambda sources, request, here: run_page(sources, request.path_params, here)),
    (
        "/runs/{run}/{scenario}",
        lambda sources, request, here: case_page(
            sources, request.path_params, here, fold=request.query_params.get("all") != "1"
        ),
    ),
)
"""Address → what it shows; the order matters where one fits several."""

API: Final[tuple[tuple[str, Answer], ...]] = (
    ("/runs", lambda sources, _: api.runs(sources)),
    ("/runs/{run}", lambda sources, request: api.run(sources, request.path_params)),
    ("/runs/{run}/cases", lambda sources, request: api.cases(sources, request.path_params)),
    ("/runs/{run}/cases/{case}", lambda sources, request: api.case(sources, request.path_params)),
    ("/apis", lambda sources, request: api.apis(sources, request.query_params)),
    ("/apis/ledger", lambda *_: api.ledger()),
    ("/traces", lambda sources, request: api.traces(sources, request.query_params)),
    ("/traces/{trace}", lambda sources, request: api.trace(sources, request.path_params)),
)

_FILES: Final = "/runs/{run}/files/{path:path}"
_ASSETS: Final = {"console.css": "text/css", "console.js": "text/javascript"}
_TWIN: Final = ".json"


def create_app(sources: Sources, *, port: int, token: str) -> App:
    """The guarded application.

    Args:
        sources: What is shown.
        port: On which it is served; no other is answered for.
        token: That callers must send; empty when none is asked for.
    """
    app = Starlette(
        routes=[
            Route("/assets/{name}", _asset),
            *(Route(f"{api.PREFIX}{path}", _told(sources, answer)) for path, answer in API),
            Route(_FILES, _file(sources)),
            Route("/runs/{run}/events", _stream(sources)),
            Route("/runs/{run}/export.html", lambda request: answers.saved(export(sources, request.path_params))),
            *(route for path, show in PAGES for route in _both(sources, path, show)),
        ],
        exception_handlers={
            MissingError: lambda request, error: _refused(request, missing(error)),
            HarnessError: lambda request, error: _refused(request, refusal_of(error)),
            HTTPException: lambda request, _: _refused(request, missing(MissingError())),
            Exception: lambda request, error: _refused(request, fault(error)),
        },
    )
    app.router.redirect_slashes = False
    return Guard(app, port=port, token=token, refuse=_refusal)


def _both(sources: Sources, path: str, show: Show) -> tuple[Route, Route]:
    """A page and its twin; the twin comes first, because its address fits the page as well."""

    def page(request: Request) -> Response:
        return answers.html(show(sources, request, _here(request)))

    def twin(request: Request) -> Response:
        found = show(sources, request, _here(request))
        return answers.document(found.document, found.status)

    return Route(f"{path}{_TWIN}", twin), Route(path, page)


def _here(request: Request) -> str:
    """The page's own address, without the ending of its twin."""
    path = request.url.path.removesuffix(_TWIN) or "/"
    return f"{path}?{request.url.query}" if request.url.query else path


def _told(sources: Sources, answer: Answer) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        return answers.data(request, *answer(sources, request))

    return endpoint


def _file(sources: Sources) -> Callable[[Request], Response]:
    """A file, raw or as a page; a file whose name ends like a twin is the file."""

    def endpoint(request: Request) -> Response:
        names = dict(request.path_params)
        try:
            found = artifact(sources, names)
        except MissingError:
            names["path"] = names["path"].removesuffix(_TWIN)
            if names["path"] == request.path_params["path"]:
                raise
            return answers.document(file_page(sources, names, "").document)
        if request.query_params.get("raw") or request.query_params.get("download"):
            return answers.file(found, is_download=bool(request.query_params.get("download")))
        return answers.html(file_page(sources, names, request.url.path))

    return endpoint


def _stream(sources: Sources) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return stream(sources, request)

    return endpoint


def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _ASSETS:
        raise MissingError
    return Response(asset(name), media_type=_ASSETS[name], headers={"cache-control": "private, max-age=60"})


def _refused(request: Request, refusal: Refusal) -> Response:
    return answers.refused(request.url.path, refusal)


def _refusal(scope: Scope, refusal: Refusal, headers: dict[str, str]) -> Callable[..., Awaitable[None]]:
    return answers.refused(scope["path"], refusal, headers)
