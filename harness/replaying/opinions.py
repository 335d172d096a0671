"""Asks a model anew for a re-evaluation: the one thing here that asks anybody, and only when it was told to.

Each question is asked once, however many checks and trials ask it; everything that was said goes into the evaluation.
Contents have left the recording already redacted, and pass the redactor again on their way out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.evidence.records import to_document
from harness.judging.observation import Judgement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.evidence.redacting import Redacts
    from harness.judging.judge_prompts import Question


class Opinions:
    """What a model says now.

    Args:
        redactor: Whatever is sent and whatever comes back has passed it.
        environ: Says where the model is.

    Attributes:
        told: Every question's votes, as they are stored.
    """

    def __init__(self, redactor: Redacts, environ: Mapping[str, str]) -> None:
        self._redactor, self._environ = redactor, environ
        self._known: dict[tuple[Question, str | None, int], Judgement] = {}
        self.told: list[Any] = []

    def ask(self, argument: Mapping[str, Any], question: Question) -> Judgement:
        """Ask a question, or give what was said to it before."""
        model, votes = argument["model"], argument["votes"]
        if (question, model, votes) not in self._known:
            said = self._asked(model, votes, question)
            self._known[question, model, votes] = said
            self.told.append({"rubric": question.rubric, "votes_wanted": votes, **to_document(said)})
        return self._known[question, model, votes]

    def _asked(self, model: str | None, votes: int, question: Question) -> Judgement:
        from harness.config import Settings
        from harness.senses.model_judge import Means, ModelJudge, endpoint_of

        endpoint = endpoint_of(Settings.from_env(self._environ), model)
        if isinstance(endpoint, str):
            return Judgement(error=endpoint)
        with ModelJudge(endpoint, Means(self._redactor, "judge/reeval")) as judge:
            return judge.ask(question, votes)
