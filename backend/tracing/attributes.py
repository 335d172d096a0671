"""What an attribute may be: a name of the list, a short value without secrets, fit for every database.

Names are those of the OpenTelemetry semantic conventions (trace model §11) or begin with ``evidence.``. A name that is
not listed is dropped and counted, so that nothing is stored because somebody once thought it harmless. Values pass the
redactor, which knows the secrets of this process, and a few patterns of secrets that it cannot know.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from backend.redaction import MARKER
from backend.tracing.spans import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from backend.redaction import Redactor
    from backend.tracing.spans import Scalar

MAX_VALUE_CHARS: Final = 512
MAX_ATTRIBUTES: Final = 64
MAX_NAME_CHARS: Final = 128
"""Of names, components, operations and error types."""
_LARGEST: Final = 1 << 63
_REMEMBERED: Final = 1024

_NAMES: Final = """
http.request.method http.route http.response.status_code http.request.resend_count url.path server.address
server.port
container.id container.name container.image.name container.image.id container.image.tags
container.image.repo_digests container.runtime.name
process.executable.name process.exit.code process.pid
db.system.name db.namespace db.collection.name db.operation.name db.operation.batch.size db.query.summary
db.response.status_code
gen_ai.operation.name gen_ai.provider.name gen_ai.agent.name gen_ai.request.model gen_ai.response.model
gen_ai.usage.input_tokens gen_ai.usage.output_tokens gen_ai.tool.name
cicd.pipeline.name cicd.pipeline.run.id cicd.pipeline.result cicd.pipeline.task.name
service.name service.version error.type
evidence.db.rows evidence.db.outcome evidence.db.fingerprint evidence.step.status evidence.pipeline.status
evidence.job.id evidence.job.type evidence.job.status evidence.job.engine evidence.project.id
evidence.failure_kind evidence.attempt evidence.launcher evidence.oom_killed evidence.interruptions
evidence.log.bytes evidence.log.truncated evidence.redactions evidence.result.status evidence.file.path
evidence.file.bytes evidence.files.created evidence.files.modified evidence.files.deleted evidence.sleep_seconds
evidence.rule evidence.errors evidence.files.seen evidence.files.written evidence.files.bytes
evidence.trigger.source evidence.intent_type evidence.step.number evidence.agent.name evidence.reference
evidence.decision
"""
ALLOWED: Final = frozenset(_NAMES.split())

# The forms of secrets that their issuers promise: OpenAI, GitHub, AWS, JSON Web Tokens, bearer headers, private keys.
_SECRET_LOOKING: Final = re.compile(
    r"\bsk-[A-Za-z0-9_-]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bAKIA[0-9A-Z]{16}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|\b[Bb]earer\s+[A-Za-z0-9._~+/-]{8,}=*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


class Cleaner:
    """Makes what is recorded fit to be stored; shared by all threads.

    Args:
        redactor: Knows the secrets of this process.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._names: dict[str, str] = {}

    def text(self, value: str, *, limit: int = MAX_VALUE_CHARS) -> str:
        """Take out secrets and what no text column takes (NUL, lone surrogates), then cut to the limit."""
        # A secret that the cut goes through would no longer be recognised, so it is looked for first, within reason.
        clean = self._redactor.redact(value[: limit + self._redactor.longest]).text
        clean = _SECRET_LOOKING.sub(MARKER, clean)[:limit]
        return clean.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()

    def name(self, value: str) -> str:
        """Clean a name, operation or component; they are few and come again and again, so they are remembered."""
        if (known := self._names.get(value)) is not None:
            return known
        clean = self.text(value, limit=MAX_NAME_CHARS)
        if len(self._names) < _REMEMBERED:
            self._names[value] = clean
        return clean

    def place(self, place: Place) -> Place:
        """Clean the words of a place."""
        words = {word: self.name(getattr(place, word)) for word in ("name", "component", "operation", "trigger")}
        return Place(**words, layer=place.layer, kind=place.kind)

    def attributes(self, given: Mapping[str, object]) -> tuple[dict[str, Scalar], int]:
        """Keep what is allowed; returns it, and how many attributes were dropped."""
        kept: dict[str, Scalar] = {}
        for name, value in given.items():
            if name in ALLOWED and len(kept) < MAX_ATTRIBUTES and (value is None or _is_scalar(value)):
                kept[name] = self._value(value)
        return kept, len(given) - len(kept)

    def _value(self, value: object) -> Scalar:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            # A secret may be a number as well.
            clean = self.text(str(value))
            return value if clean == str(value) else clean
        return value if isinstance(value, bool) else None


def _is_scalar(value: object) -> bool:
    if isinstance(value, int):
        return -_LARGEST <= value < _LARGEST
    return isinstance(value, str) or (isinstance(value, float) and math.isfinite(value))
