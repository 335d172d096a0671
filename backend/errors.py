"""What can go wrong in the backend, as one tree; importing nothing of ours.

::

    BackendError(reference, message, hint)
    ├── StartupError          the process must not serve: bad settings, failed migration, unusable directory
    └── ApiError              an answer to the caller: HTTP status and the short text of the contract
        ├── InvalidRequestError     400
        ├── UnauthorizedError       401
        ├── NotFoundError           404
        ├── ConflictError           409
        ├── TooLargeError           413
        └── QueueFullError          429, with the seconds after which a retry makes sense

A job that fails is no exception: it is a state of the job, with a ``FailureKind``.
"""

from __future__ import annotations

from typing import ClassVar


class BackendError(Exception):
    """An error with a stable kebab-case ``reference`` and a ``hint`` that repairs it."""

    def __init__(self, reference: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.reference = reference
        self.hint = hint


class StartupError(BackendError):
    """The backend must not start, because it could not keep its promises."""


class ApiError(BackendError):
    """An error that is the caller's answer; ``message`` is the ``detail`` text of the contract."""

    status: ClassVar[int]


class InvalidRequestError(ApiError):
    """The request can never be fulfilled as it stands."""

    status = 400


class UnauthorizedError(ApiError):
    """Tokens are configured and the request carries none of them."""

    status = 401


class NotFoundError(ApiError):
    """No such project, job, file or route."""

    status = 404


class ConflictError(ApiError):
    """The request contradicts the present state."""

    status = 409


class TooLargeError(ApiError):
    """A body or file is larger than its limit."""

    status = 413


class QueueFullError(ApiError):
    """No further job is accepted now."""

    status = 429
    retry_after_s: ClassVar[int] = 5
