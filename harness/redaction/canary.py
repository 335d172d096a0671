"""The self-check: fake secrets go through every way out, and none may be found behind it.

Fresh random values are made for each check, so nobody can be used to them. A way out is a function that writes text
with a redactor and returns the bytes that came out. With the redactor on, no form and no fragment may be found; with a
redactor that knows nothing, the search must find them, or it is the search that is blind. It decides whether a run may
begin. The doubt: a way out that is not handed to the check is not checked.
"""

from __future__ import annotations

import base64
import json
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from harness.errors import PrerequisiteError
from harness.redaction.needles import needles_for
from harness.redaction.redactor import Redactor
from harness.redaction.searching import AllViews
from harness.redaction.secret import NamedSecret, Secret, SecretSet

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

_LETTERS: Final = string.ascii_letters + string.digits
_SIGNS: Final = "\"'&\\<>%+/ "


@dataclass(frozen=True, slots=True)
class Canary:
    """Fake secrets and the text that carries them.

    Attributes:
        secrets: What a redactor must know to pass the check.
        text: All values, plain and in some forms, among ordinary words.
        finder: Knows the values, apart from every redactor.
    """

    secrets: SecretSet
    text: str = field(repr=False)
    finder: AllViews = field(repr=False)

    def is_found_in(self, data: bytes) -> bool:
        """Whether any form or fragment of any value is in the data."""
        return self.finder.is_in(data)


def new_canary(choice: random.Random) -> Canary:
    """Make fake secrets of three kinds: a key, an id and a password with signs that need escaping.

    Args:
        choice: ``random.SystemRandom()``; tests pass a seeded one.
    """
    values = {
        "CANARY_KEY": "sk-proj-" + "".join(choice.choices(_LETTERS + "-_", k=156)),
        "CANARY_ID": "org-" + "".join(choice.choices(_LETTERS, k=24)),
        "CANARY_PASSWORD": "".join(choice.sample([*_SIGNS, *choice.choices(_LETTERS, k=24)], k=len(_SIGNS) + 24)),
    }
    members = tuple(NamedSecret(name, Secret(value)) for name, value in values.items())
    text = "\n".join(_carrier(name, value) for name, value in values.items())
    return Canary(SecretSet(members), text, AllViews(needles_for(member.secret for member in members)))


def check(canary: Canary, ways_out: Mapping[str, Callable[[Redactor, str], bytes]]) -> None:
    """Send a canary through every way out.

    Args:
        canary: Made for this check.
        ways_out: By name; each writes the text with the redactor that it is given and returns what came out.

    Raises:
        PrerequisiteError: ``canary-leaked`` names the way out that let a fake secret pass; ``canary-blind`` the one
            behind which the search finds nothing even without redaction.
    """
    on, off = Redactor(canary.secrets), Redactor(SecretSet())
    for name, write in ways_out.items():
        if canary.is_found_in(write(on, canary.text)):
            raise PrerequisiteError(
                "canary-leaked",
                f"a fake secret passed through {name} unredacted, so a real one would",
                "start no live run with this version; report the way out that is named here",
            )
        if not canary.is_found_in(write(off, canary.text)):
            raise PrerequisiteError(
                "canary-blind",
                f"the search finds no fake secret behind {name} even without redaction, so it proves nothing",
                "start no live run with this version; report the way out that is named here",
            )


def _carrier(name: str, value: str) -> str:
    data = value.encode()
    forms = (value, json.dumps(value), quote(value, safe=""), base64.b64encode(data).decode(), data.hex(), value[:20])
    return "\n".join(f"{name} as form {number}: {form} and on" for number, form in enumerate(forms))
