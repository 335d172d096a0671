"""A console to call, and bundles that a test may break."""

import shutil

from asgi_caller import Caller

from harness.console.app import create_app

PORT = 8020


def caller(sources, token=""):
    app = create_app(sources, port=PORT, token=token)
    return Caller(app, f"127.0.0.1:{PORT}")


def copied(source, target):
    """A bundle that can be written to."""
    shutil.copytree(source, target)
    for path in (target, *target.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return target
