"""Sends requests to an application without a server, with paths exactly as written, as a hostile caller would."""

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True)
class Answer:
    status_code: int
    headers: dict
    content: bytes

    @property
    def text(self):
        return self.content.decode("utf-8", "surrogatepass")

    def json(self):
        return json.loads(self.content)


class Caller:
    """One caller; ``host`` is what a browser would send."""

    def __init__(self, app, host):
        self.app, self.host = app, host

    def get(self, path, headers=None):
        return self.request("GET", path, headers)

    def head(self, path):
        return self.request("HEAD", path)

    def post(self, path, headers=None):
        return self.request("POST", path, headers)

    def request(self, method, path, headers=None):
        return asyncio.run(self._request(method, path, {"host": self.host, **(headers or {})}))

    async def _request(self, method, target, headers):
        path, _, query = target.partition("?")
        sent = []
        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive():
            # A caller that stays: after its request there is nothing more from it.
            return next(asked, None) or await asyncio.get_running_loop().create_future()

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8020),
        }
        await self.app(scope, receive, send)
        start, *bodies = sent
        named = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], named, b"".join(each.get("body", b"") for each in bodies))
