"""Which values of the surroundings are secret, and which of them no run may start with.

Secret are: every value of ``.env.live``; the values of ``.env`` whose names say so; of the environment ``OPENAI_…`` and
what overrides one of the names above; and the password inside any URL among all these. The files are read in one
function, and the values leave wrapped. A value that cannot be searched for (short, a common word, a public constant, of
the length of a book) stops the run and names its variable; nothing is skipped silently.

The doubt: a secret under an innocent name in ``.env``, or of another program in the environment, is not known here.
Rules over the whole environment would stop runs for values that no run ever meets.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from harness.errors import PrerequisiteError
from harness.redaction.keys import announces_secret, words
from harness.redaction.redacted import SHORTEST
from harness.redaction.secret import NamedSecret, Secret, SecretSet
from harness.redaction.vocabulary import LONGEST, refusal
from harness.stack import env_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

PROVIDER: Final = "OPENAI_"

MOST: Final = 128 << 10
"""Characters of all values; 700 long keys."""

NOT_SECRET: Final = frozenset(
    {"OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_MODEL", "OPENAI_LOG", "OPENAI_API_VERSION"}
)
"""Settings of the provider's clients that say where and how to ask; a password in such a URL is found all the same."""

OVERRIDES: Final = frozenset({"API_TOKENS", "DATABASE_URL"})
"""Settings of the backend that may hold a secret, and that the environment may set instead of a file."""

_LISTS: Final = frozenset({"tokens", "secrets", "passwords", "keys"})
_MORE_WORDS: Final = _LISTS | {"passwd", "passphrase", "credentials"}
_SWITCHES: Final = frozenset({"", "true", "false", "yes", "no", "on", "off", "none", "null"})


def load_secrets(env_live: Path | None, env: Path | None, environ: Mapping[str, str]) -> SecretSet:
    """Read every secret value that a run may meet; missing files are empty.

    Args:
        env_live: ``.env.live``; all of its values are secret.
        env: ``.env``; the names decide.
        environ: A snapshot of the environment; the names decide.

    Raises:
        PrerequisiteError: ``env-file-unreadable``, or ``secret-unsearchable`` when a value is shorter than eight
            characters, a common word or a public constant, or when one or all of them are too long.
    """
    found = list(_file_secrets(env_live, env))
    known = OVERRIDES | {name for name, _ in found}
    found += [
        (name, part)
        for name, value in environ.items()
        if name.startswith(PROVIDER) or name in known
        for part in _secrets_in(name, value)
    ]
    # One value may stand in a file and in the environment.
    members = list(dict.fromkeys((name, part) for name, value in found for part in _parts(name, value)))
    _refuse_unsearchable(members)
    return SecretSet(tuple(NamedSecret(name, Secret(value)) for name, value in members))


def _file_secrets(env_live: Path | None, env: Path | None) -> Iterator[tuple[str, str]]:
    for name, value in (env_file.read(env_live) if env_live else {}).items():
        yield name, value
        yield from ((name, part) for part in _url_passwords(value))
    for name, value in (env_file.read(env) if env else {}).items():
        yield from ((name, part) for part in _secrets_in(name, value))


def _secrets_in(name: str, value: str) -> Iterator[str]:
    if _is_secret(name, value):
        yield value
    yield from _url_passwords(value)


def _is_secret(name: str, value: str) -> bool:
    if name in NOT_SECRET or value.strip().lower() in _SWITCHES or value.strip().isdecimal():
        return False
    parts = [word for word in words(name) if word != "env"]
    return name.startswith(PROVIDER) or announces_secret("_".join(parts)) or not _MORE_WORDS.isdisjoint(parts)


def _url_passwords(value: str) -> Iterator[str]:
    """The password of a URL as it is written and as it is meant."""
    try:
        password = urlsplit(value.strip()).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)


def _parts(name: str, value: str) -> list[str]:
    """A value as given; under a name in the plural a list (CSV or a JSON array) counts as each of its members."""
    if _LISTS.isdisjoint(words(name)):
        return [value] if value.strip() else []
    return [part for part in _json_array(value) or value.split(",") if part.strip()]


def _json_array(value: str) -> list[str]:
    try:
        items = json.loads(value)
    except ValueError:
        return []
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []


def _refuse_unsearchable(members: Iterable[tuple[str, str]]) -> None:
    members = list(members)
    refused = {name: why for name, value in members if (why := refusal(value.strip()))}
    if refused:
        listed = "; ".join(f"the value of {name} {why}" for name, why in sorted(refused.items()))
        raise PrerequisiteError(
            "secret-unsearchable",
            f"{listed}: it cannot be kept out of evidence, or only by tearing ordinary text apart",
            f"give {', '.join(sorted(refused))} a random value of {SHORTEST} to {LONGEST} characters, move what is not "
            "secret from .env.live to .env, or keep what is long in a file and its path here",
        )
    if (length := sum(len(value) for _, value in members)) > MOST:
        raise PrerequisiteError(
            "secret-unsearchable",
            f"all secret values together have {length} characters, and more than {MOST} take too long to search for",
            "keep in .env.live what is secret, and nothing else",
        )
