"""Asks people about random mentions, and says how the model does on this operator's own.

An answer is kept in the state database, apart from corrections: those that people make on their
own are biased and never count. An answer that contradicts what the mention shows also corrects
it, like any correction; what the model had said stays in the sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from app.actions import Actions
from app.answers import MentionRow
from app.queries import Queries, any_of
from app.stores.samples import Sample
from core.mention import Mention, Sentiment
from core.questions import Selection, View
from core.window import TimeWindow
from insights.quality import (
    LABELS,
    MINIMUM,
    PERIOD,
    Accuracy,
    Answer,
    Confusion,
    Judged,
    QualityReport,
    assess,
    confusion,
    draw,
)

if TYPE_CHECKING:
    from app.bootstrap import Application

QUESTIONS = 5
"""A day: a minute of a person's time, and 30 answers within a week."""

SPARE = 50
"""Mentions drawn beyond need, in case some were drawn on another day."""

DAY = timedelta(days=1)
UNKNOWN_LANGUAGE = "und"


@dataclass(frozen=True, slots=True)
class Question:
    """One mention that people are asked about, as it is listed."""

    sample: Sample
    row: MentionRow


class Quality:
    """Questions and answers on behalf of one application."""

    def __init__(self, application: Application, queries: Queries) -> None:
        self._application = application
        self._queries = queries
        self._samples = application.state.samples

    @property
    def today(self) -> date:
        """The day for which is asked, in UTC, so that everybody is asked the same."""
        return self._application.clock().astimezone(UTC).date()

    # --- asking

    def questions(self) -> list[Question]:
        """Return today's questions, the same for everybody; those erased meanwhile are left out.

        Drawn when they are first asked for, and kept. Empty while yesterday had no scored mention.
        """
        held = self._today_sample()
        found = self._queries.by_ids([sample.mention for sample in held])
        rows = {row.mention.id: row for row in self._queries.listed(found)}
        return [Question(one, rows[one.mention]) for one in held if one.mention in rows]

    def waiting(self) -> int:
        """Return how many of today's questions have no answer."""
        return sum(sample.answer is None for sample in self._today_sample())

    def _today_sample(self) -> list[Sample]:
        day = self.today
        held = self._samples.of_day(day.isoformat())
        if held:
            return held
        candidates = [_sample(mention, day) for mention in self._drawn(day)]
        return self._samples.draw(day.isoformat(), candidates, QUESTIONS) if candidates else []

    def _drawn(self, day: date) -> list[Mention]:
        """Return mentions at random out of those that the index showed first on the day before.

        Where it showed none, as on a first day, out of those published then.
        """
        for view in (View.LIVE, View.HISTORY):
            scored = self._scored(day - DAY, view)
            found = draw(day, scored, QUESTIONS + SPARE, lambda mention: mention.id)
            if found:
                return found
        return []

    def _scored(self, day: date, view: View) -> Iterator[Mention]:
        """Yield the mentions of a day to which the model gave a sentiment."""
        start = datetime.combine(day, time(), tzinfo=UTC)
        has_label = any_of("sentiment", [label.value for label in LABELS])
        window = TimeWindow(start, start + DAY)
        for mention in self._queries.index.scan(Selection(has_label, window, view)):
            if mention.enrichment is not None and mention.enrichment.sentiment is not None:
                yield mention

    # --- answering

    def answer(self, actions: Actions, sample: Sample, said: Answer, by: str) -> None:
        """Record what a person reads in a mention, and correct the mention where it shows another.

        An earlier answer is taken back first. Raises DurabilityError, EngineUnavailable.
        """
        self.retract(actions, sample, by)
        label = None if said is Answer.CANNOT_TELL else Sentiment(said.value)
        mention = next(iter(self._queries.by_ids([sample.mention])), None)
        shown = mention.sentiment if mention else None
        is_wrong = mention is not None and label is not None and shown is not label
        self._samples.answer(
            sample.mention,
            said,
            by=by,
            at=self._application.clock(),
            corrected_from=shown if is_wrong else None,
        )
        if mention is not None and is_wrong:
            actions.set_sentiment(mention, label, by)

    def retract(self, actions: Actions, sample: Sample, by: str) -> None:
        """Take an answer back, and its correction unless somebody corrected the mention since."""
        day = {one.mention: one for one in self._samples.of_day(sample.day)}
        held = day.get(sample.mention)
        if held is None or held.answer is None:
            return
        mention = next(iter(self._queries.by_ids([sample.mention])), None)
        is_ours = mention is not None and mention.sentiment == held.answer.value
        if mention is not None and is_ours and held.corrected_from is not None:
            if held.corrected_from is held.predicted:
                actions.withdraw_sentiment(mention, by)
            else:
                actions.set_sentiment(mention, held.corrected_from, by)
        self._samples.retract(sample.mention)

    # --- telling

    def report(self) -> QualityReport:
        """Return how the model does, from the answers of the last 90 days."""
        since = self.today - PERIOD
        return assess(judged(self._application, since), self.today)


def judged(application: Application, since: date | None = None) -> list[Judged]:
    """Return what people answered on random mentions of the days from ``since`` on."""
    samples = application.state.samples.answered(since.isoformat() if since else None)
    return [
        Judged(
            predicted=sample.predicted,
            answer=sample.answer,
            channel=sample.channel.value,
            language=sample.language or UNKNOWN_LANGUAGE,
            model=", ".join(sample.models) or "unknown",
            day=date.fromisoformat(sample.day),
        )
        for sample in samples
        if sample.answer is not None
    ]


def confusion_by_channel(
    application: Application, since: date | None = None
) -> dict[str, Confusion]:
    """Return, for each channel with answers on random mentions, how the model errs there.

    Rows are what people said, columns what the model had said; both in the order of LABELS.
    """
    groups: dict[str, list[Judged]] = {}
    for one in judged(application, since):
        groups.setdefault(one.channel, []).append(one)
    return {channel: confusion(group) for channel, group in sorted(groups.items())}


def report_data(report: QualityReport) -> dict[str, Any]:
    """Return the report as plain data."""
    drift = report.drift
    groups = {
        "channels": report.by_channel,
        "languages": report.by_language,
        "models": report.by_model,
    }
    return {
        **_accuracy_data(report.overall),
        "needed": MINIMUM,
        **{
            name: {key: _accuracy_data(held) for key, held in found.items()}
            for name, found in groups.items()
        },
        "confusion": {
            said.value: {
                model.value: report.confusion.counts[row][column]
                for column, model in enumerate(LABELS)
            }
            for row, said in enumerate(LABELS)
        },
        "drift": {
            "now": _accuracy_data(drift.now),
            "before": _accuracy_data(drift.before),
            "difference": drift.difference.value if drift.difference else None,
            "low": drift.difference.low if drift.difference else None,
            "high": drift.difference.high if drift.difference else None,
        },
    }


def _accuracy_data(held: Accuracy) -> dict[str, Any]:
    estimate = held.estimate
    return {
        "accuracy": estimate.value if estimate else None,
        "low": estimate.low if estimate else None,
        "high": estimate.high if estimate else None,
        "n": held.n,
        "cannot_tell": held.unclear,
    }


def _sample(mention: Mention, day: date) -> Sample:
    """Return the sample of a mention with a sentiment of the model's."""
    enrichment = mention.enrichment
    if enrichment is None or enrichment.sentiment is None:
        raise ValueError(f"mention {mention.id} has no sentiment by a model")
    return Sample(
        mention=mention.id,
        day=day.isoformat(),
        channel=mention.channel,
        language=enrichment.language or mention.language,
        models=enrichment.models,
        predicted=enrichment.sentiment,
    )
