"""Secret values on their way from files into one child process, and nowhere else.

Only ``read_secrets`` reads them. What others learn is whether a name is present. Three places need a value itself: the
environment of the compose process, the bearer token without which a protected backend does not tell its state, and the
provider's key without which a model gives no opinion.
DATABASE_URL travels with them, because it may hold a password.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from harness.stack import env_file
from worker.contract import SECRET_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.config import Settings

PROVIDER_KEY: Final = "OPENAI_API_KEY"
API_TOKENS: Final = "API_TOKENS"
DATABASE_URL: Final = "DATABASE_URL"
PRIVATE_NAMES: Final = (*SECRET_NAMES, API_TOKENS, DATABASE_URL)
"""Settings whose values are never written to a file of ours, printed or hashed."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Private values by name; absent ones are not in it. Its representation shows none."""

    _values: Mapping[str, str] = field(repr=False)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def presence(self) -> dict[str, str]:
        """``present`` or ``absent`` for each private name."""
        return {name: "present" if name in self._values else "absent" for name in PRIVATE_NAMES}

    def child_environment(self) -> dict[str, str]:
        """The values, for the environment of a child process only."""
        return dict(self._values)

    def bearer_token(self) -> str | None:
        """One token that the backend accepts, or ``None`` when it asks for none."""
        tokens = self._values.get(API_TOKENS, "").strip("[] \t").replace('"', "").split(",")
        return next((token.strip() for token in tokens if token.strip()), None)

    def provider_key(self) -> str | None:
        """What a model's endpoint is shown, or ``None`` when there is none."""
        return self._values.get(PROVIDER_KEY)

    def mask(self, text: str) -> str:
        """Replace every value that occurs in ``text``; the longest first, so that none hides in another's rest."""
        needles = [value for value in self._values.values() if len(value) > 3]  # noqa: PLR2004  # shorter ones hit words
        if password := _password(self._values.get(DATABASE_URL, "")):
            needles.append(password)
        for value in sorted(needles, key=len, reverse=True):
            text = text.replace(value, "[redacted]")
        return text


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None


def read_secrets(settings: Settings) -> Secrets:
    """Read the private values: the environment outranks ``.env.live``, which outranks ``.env``; empty is absent.

    Raises:
        PrerequisiteError: ``env-file-unreadable``.
    """
    sources = (settings.environ, env_file.read(settings.live_env_file), env_file.read(settings.env_file))
    found = {name: next((source[name] for source in sources if source.get(name)), "") for name in PRIVATE_NAMES}
    return Secrets({name: value for name, value in found.items() if value})
