"""Why a rule cannot be applied. A rule that raises has written nothing."""

from __future__ import annotations

from typing import Self


class EditError(Exception):
    """A rule does not fit the files it found.

    Attributes:
        code: ``missing:FILE``, ``unsupported_layout:FILE`` or ``edit_would_break:FILE``.
        explanation: What is wrong and what to do about it, in one sentence.
    """

    def __init__(self, code: str, explanation: str) -> None:
        super().__init__(code)
        self.code = code
        self.explanation = explanation

    @classmethod
    def missing(cls, path: str) -> Self:
        """Say that the rule needs a file that is not there."""
        return cls(f"missing:{path}", f"{path} is missing; create it first.")

    @classmethod
    def unsupported_layout(cls, path: str) -> Self:
        """Say that a file is none of the forms that the rule knows how to edit."""
        return cls(f"unsupported_layout:{path}", f"{path} has a form that this rule cannot edit.")

    @classmethod
    def edit_would_break(cls, path: str) -> Self:
        """Say that the edited file would no longer be the program it has to be."""
        return cls(f"edit_would_break:{path}", f"The edit would break {path}.")
