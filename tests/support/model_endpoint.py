"""An OpenAI-compatible endpoint as a process on loopback: it answers as a script says and keeps what it was asked.

``python model_endpoint.py SCRIPT ASKED``: SCRIPT is a file with a JSON list of replies, of which the last serves for
ever; each request is appended to the file ASKED as a line of JSON before it is answered. The port is the first line of
standard output. A reply is a text, which becomes the content of a completion, or an object with some of ``status``,
``content``, ``body`` (the answer as it is), ``type`` (of the content), ``length`` (that many bytes of content),
``location``, ``drip`` (a byte now and then, for ever), ``hang`` (nothing, until the client goes away) and ``interrupt``
(the same, and the test gets a signal).
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USAGE = {"prompt_tokens": 120, "completion_tokens": 9, "total_tokens": 129}
DRIP_EVERY_S = 0.05


def completion(content):
    message = {"role": "assistant", "content": content}
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "told-model-2026",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": USAGE,
    }


def vote(score=0.9, reasoning="it is so", **more):
    return json.dumps({"rubric": score, "reasoning": reasoning, **more})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        line = {"path": self.path, "headers": headers, "body": json.loads(body)}
        with self.server.asked.open("a") as file:
            file.write(json.dumps(line) + "\n")
        script = self.server.script
        reply = script.pop(0) if len(script) > 1 else script[0]
        self.reply({"content": reply} if isinstance(reply, str) else reply)

    def reply(self, reply):
        if reply.get("interrupt"):
            os.kill(os.getppid(), signal.SIGINT)
        if reply.get("hang") or reply.get("interrupt"):
            self.rfile.read(1)
            self.close_connection = True
            return
        content = "x" * reply["length"] if "length" in reply else reply.get("content")
        body = reply.get("body", completion(content))
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(reply.get("status", 200))
        self.send_header("content-type", reply.get("type", "application/json"))
        self.send_header("content-length", str(1 << 30 if reply.get("drip") else len(data)))
        if "location" in reply:
            self.send_header("location", reply["location"])
        self.end_headers()
        try:
            if reply.get("drip"):
                self.drip()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True

    def drip(self):
        self.connection.settimeout(DRIP_EVERY_S)
        while True:
            self.wfile.write(b" ")
            try:
                if not self.connection.recv(1):
                    raise ConnectionResetError
            except TimeoutError:
                continue

    def log_message(self, *_):
        """Say nothing."""


class Endpoint:
    """A running endpoint, as a test sees it."""

    def __init__(self, port, asked):
        self.port, self._asked = port, asked

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def asked(self):
        """Every request so far: path, headers, body."""
        return [json.loads(line) for line in self._asked.read_text().splitlines()] if self._asked.exists() else []

    def prompts(self):
        """System and user message of every request."""
        return [[message["content"] for message in request["body"]["messages"]] for request in self.asked]


@contextmanager
def model_endpoint(folder, *replies):
    """Run an endpoint until the block ends.

    Args:
        folder: Where script and requests are kept.
        replies: See above.
    """
    script, asked = folder / "endpoint-script.json", folder / "endpoint-asked.jsonl"
    script.write_text(json.dumps(replies))
    with subprocess.Popen([sys.executable, __file__, script, asked], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Endpoint(int(process.stdout.readline()), asked)
        finally:
            process.kill()


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.script, server.asked = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
