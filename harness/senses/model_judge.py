"""Asks a model for its opinion, once for each vote; the only user of the ``openai`` library.

Where the model is and under which key comes from the environment, ``.env.live`` and ``.env``, in this order. Each vote
is one request, which is not repeated: it may have been paid for. No vote outlives its time or is read beyond its bound.
What is sent has passed the redactor, and so has everything that comes back. Whatever goes wrong is told in the vote and
is nobody's failure: a ``Judgement`` comes back, never an exception. The doubt: an endpoint may name a model that is not
the one which answered.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self, cast

from harness.errors import HarnessError
from harness.judging.judge_checks import LONGEST_REPLY, Ballot, ballot_of
from harness.judging.judge_prompts import LONGEST_DATA, fence_for, messages_of, prompt_digest
from harness.judging.observation import Judgement, Vote
from harness.redaction.secret import Secret
from harness.senses.address import Address
from harness.stack import env_file
from harness.stack.secrets import PROVIDER_KEY, read_secrets

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from harness.config import Settings
    from harness.judging.judge_prompts import Messages, Question
    from harness.senses.calls import Redacts

BASE_URL: Final = "OPENAI_BASE_URL"
MODEL: Final = "LADDER_JUDGE_MODEL"
USUAL_BASE_URL: Final = "https://api.openai.com/v1"

VOTE_TIMEOUT_S: Final = 60.0
"""Of one vote, from connecting to the last byte."""

_ASK_AGAIN: Final = frozenset({408, 409, 425, 429})
"""Refusals that the next vote may not meet; of any other 4xx asking again changes nothing."""

_FENCE_BYTES: Final = 16
_WORD: Final = re.compile(r"[a-z]{1,20}(?:_[a-z]{1,20}){0,5}")
"""No key looks like it."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked."""

    address: Address
    key: Secret
    model: str


def endpoint_of(settings: Settings, model: str | None) -> Endpoint | str:
    """Find out where to ask, or why nobody can be asked.

    Args:
        settings: The surroundings.
        model: Of the check, where the setting names none.
    """
    try:
        sources = (settings.environ, env_file.read(settings.live_env_file), env_file.read(settings.env_file))
        told = {name: next((each[name] for each in sources if each.get(name)), "") for name in (BASE_URL, MODEL)}
        key = read_secrets(settings).provider_key()
        address = Address.parse(told[BASE_URL] or USUAL_BASE_URL)
    except HarnessError as error:
        return f"no model can be asked: [{error.reference}] {error.message}"
    if not (asked := told[MODEL] or model):
        return f"no judge model is set ({MODEL}, or model in the check)"
    return Endpoint(address, Secret(key), asked) if key else f"no model can be asked: {PROVIDER_KEY} is absent"


@dataclass(frozen=True, slots=True)
class Means:
    """What asking takes besides an endpoint.

    Attributes:
        redacts: What is sent and what comes back has passed it.
        source: What redactions are counted under; not the subject's, who says nothing here.
        clock: Monotonic, in seconds; for durations.
        timeout_s: Of one vote.
        words: Gives a new random word each time.
    """

    redacts: Redacts
    source: str = "judge"
    clock: Callable[[], float] = time.monotonic
    timeout_s: float = VOTE_TIMEOUT_S
    words: Callable[[], str] = field(default=partial(secrets.token_hex, _FENCE_BYTES))

    def text(self, text: str) -> str:
        """Redact a text."""
        return self.redacts.text(text, source=self.source)


class ModelJudge:
    """Asks one model; used by one thread at a time.

    Args:
        endpoint: Where it is.
        means: What asking takes.
    """

    def __init__(self, endpoint: Endpoint, means: Means) -> None:
        from harness.senses.model_wire import ModelWire

        self._endpoint, self._means = endpoint, means
        self._wire = ModelWire(endpoint.address, endpoint.key, timeout_s=means.timeout_s)
        self._client = _client(self._wire, endpoint.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wire.close()

    def ask(self, question: Question, votes: int) -> Judgement:
        """Ask for a number of votes; fewer come back when asking on could not help any more."""
        model = self._means.text(self._endpoint.model)
        if sum(map(len, question.data)) > LONGEST_DATA:
            return Judgement(model, error=f"what is to be judged is longer than {LONGEST_DATA} characters")
        found: list[Vote] = []
        while len(found) < votes and 2 * sum(bool(vote.error) for vote in found) <= votes:
            vote, is_final = self._vote(question)
            found.append(vote)
            if is_final:
                break
        return Judgement(model, tuple(found))

    def _vote(self, question: Question) -> tuple[Vote, bool]:
        """One vote, and whether all others would fail as it did."""
        fence = fence_for(question, self._means.words)
        messages = messages_of(question, fence, self._means.text)
        begun = self._means.clock()
        asked = Vote(fence, prompt_digest(messages))
        said = self._said(messages)
        asked = replace(asked, duration_s=round(self._means.clock() - begun, 6))
        if isinstance(said, _Failure):
            return replace(asked, error=self._means.text(said.why)), said.is_final
        return self._kept(asked, said, [name for name, _ in question.criteria]), False

    def _kept(self, asked: Vote, said: _Said, names: list[str]) -> Vote:
        reply = self._means.redacts.json(said.reply, source=self._means.source)
        is_long = len(reply) > LONGEST_REPLY
        vote = replace(
            asked,
            reply=reply[:LONGEST_REPLY],
            cut_from=len(reply) if is_long else None,
            model=self._means.text(said.model),
            prompt_tokens=said.prompt_tokens,
            completion_tokens=said.completion_tokens,
        )
        ballot = ballot_of(vote, names)
        # Decoded, it has not been looked at yet.
        return replace(vote, reasoning=self._means.text(ballot.reasoning)) if isinstance(ballot, Ballot) else vote

    def _said(self, messages: Messages) -> _Said | _Failure:
        import openai

        try:
            completion = self._client.chat.completions.create(
                model=self._endpoint.model, messages=cast("Any", messages)
            )
            return _said_in(completion)
        except openai.APIStatusError as error:
            is_final = error.status_code not in _ASK_AGAIN and error.status_code < 500  # noqa: PLR2004  # HTTP 4xx
            return _Failure(f"the model's endpoint answered {error.status_code}{_named(error)}", is_final)
        except openai.APITimeoutError:
            return _Failure(f"the model did not answer within {self._means.timeout_s:g} s")
        except openai.APIConnectionError as error:
            return _Failure(f"the model could not be asked ({error.__cause__ or type(error).__name__})")
        except Exception as error:  # noqa: BLE001  # what a strange answer makes of the library is nobody's failure
            return _Failure(f"the model's answer could not be read ({type(error).__name__})")


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer before it is redacted."""

    reply: str
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why there is no reply, and whether asking on cannot help."""

    why: str
    is_final: bool = False


def _client(wire: Any, address: Address) -> Any:  # noqa: ANN401  # types of libraries that are loaded late
    import openai

    from harness.senses.model_wire import client_over, keep_quiet

    keep_quiet()
    host = f"{address.scheme}://{address.host_header}{address.prefix}"
    # The key does not enter the library: the wire adds it.
    return openai.OpenAI(api_key="added-later", base_url=host, http_client=client_over(wire), max_retries=0)


def _named(error: Any) -> str:  # noqa: ANN401  # openai.APIStatusError
    """The word for an error in its body, such as ``insufficient_quota``; its message may hold parts of a key."""
    words = [word for word in (error.code, error.type) if isinstance(word, str) and _WORD.fullmatch(word)]
    return f" ({words[0]})" if words else ""


def _said_in(completion: Any) -> _Said | _Failure:  # noqa: ANN401  # whatever the library made of the answer
    try:
        reply = completion.choices[0].message.content
    except (AttributeError, IndexError, KeyError, TypeError):
        reply = None
    if not isinstance(reply, str):
        return _Failure("the model's answer holds no text")
    usage, model = getattr(completion, "usage", None), getattr(completion, "model", None)
    return _Said(
        reply=_sound(reply),
        model=_sound(model)[:200] if isinstance(model, str) else "",
        prompt_tokens=_count(getattr(usage, "prompt_tokens", None)),
        completion_tokens=_count(getattr(usage, "completion_tokens", None)),
    )


def _sound(text: str) -> str:
    """Without lone surrogates, which no file can hold."""
    return text.encode("utf-8", "replace").decode()


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
