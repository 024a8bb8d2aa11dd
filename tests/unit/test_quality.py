"""Asking about random mentions: who is asked what, and what an answer does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.actions import Actions
from app.bootstrap import Application
from app.phrasing import accuracy_cell, accuracy_words, drift_words
from app.quality import QUESTIONS, Quality, confusion_by_channel, report_data
from app.queries import Queries
from app.stores.samples import Sample
from core.mention import Channel, Mention, Sentiment
from insights.measures import Estimate
from insights.quality import Accuracy, Answer, Drift
from tests.fakes import scenario
from tests.fakes.homes import drain, empty_home, fill_home, open_scenario

OTHER = {
    Sentiment.NEGATIVE: Answer.POSITIVE,
    Sentiment.NEUTRAL: Answer.POSITIVE,
    Sentiment.POSITIVE: Answer.NEGATIVE,
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scenario, to copy."""
    return fill_home(tmp_path_factory.mktemp("scenario"))


@pytest.fixture
def application(tmp_path: Path, filled: Path) -> Iterator[Application]:
    """The scenario in a home of the test's own, opened to write."""
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    application = open_scenario(tmp_path, writes=True)
    yield application
    application.close()


@pytest.fixture
def queries(application: Application) -> Queries:
    """Questions, with what waits laid over the answers."""
    return Queries(application)


@pytest.fixture
def quality(application: Application, queries: Queries) -> Quality:
    """What is tested here."""
    return Quality(application, queries)


@pytest.fixture
def actions(application: Application, queries: Queries) -> Actions:
    """What a person does."""
    return Actions(application, queries)


def _stored(queries: Queries, sample: Sample) -> Mention:
    (mention,) = queries.by_ids([sample.mention])
    return mention


def test_five_scored_mentions_of_yesterday_are_asked_about(quality: Quality) -> None:
    """Each was first seen yesterday, and the sample holds what the model says of it."""
    questions = quality.questions()
    assert len(questions) == QUESTIONS
    for question in questions:
        mention = question.row.mention
        assert mention.known_at is not None
        assert mention.known_at.date() == scenario.NOW.date() - timedelta(days=1)
        assert mention.enrichment is not None
        assert question.sample.predicted is mention.enrichment.sentiment
        assert question.sample.models == mention.enrichment.models
    assert quality.waiting() == QUESTIONS


def test_the_day_keeps_its_questions(application: Application, quality: Quality) -> None:
    """A mention that arrives late, and another process, change nothing."""
    before = [question.sample.mention for question in quality.questions()]
    late = quality.questions()[0].row.mention.model_copy(update={"id": "0"})
    application.index.apply([late], scenario.NOW)
    application.index.refresh()
    again = Quality(application, Queries(application))
    assert [question.sample.mention for question in again.questions()] == before


def test_an_erased_mention_is_asked_about_no_more(
    application: Application, quality: Quality
) -> None:
    """The other four stay as they are."""
    first, *others = quality.questions()
    erased = Mention(id=first.sample.mention, erased=True)
    application.index.apply([erased], scenario.NOW)
    application.index.refresh()
    assert [q.sample for q in quality.questions()] == [q.sample for q in others]


def test_without_a_mention_of_yesterday_nothing_is_asked(tmp_path: Path) -> None:
    """Before anything was collected there are no questions, and none are waited for."""
    application = open_scenario(empty_home(tmp_path), writes=True)
    quality = Quality(application, Queries(application))
    assert quality.questions() == []
    assert quality.waiting() == 0
    application.close()


def test_on_a_first_day_what_was_published_yesterday_is_asked_about(tmp_path: Path) -> None:
    """History fetched today became known today: its mentions of yesterday are asked about."""
    scenario.write_configuration(tmp_path / "configs", "")
    application = open_scenario(tmp_path, writes=True)
    fetched = [m.model_copy(update={"known_at": None}) for m in scenario.mentions()]
    application.index.apply(fetched, scenario.NOW)
    application.index.refresh()
    questions = Quality(application, Queries(application)).questions()
    yesterday = scenario.NOW.date() - timedelta(days=1)
    assert {q.row.mention.published_at.date() for q in questions} == {yesterday}
    application.close()


def test_an_answer_that_contradicts_corrects_the_mention(
    application: Application, queries: Queries, quality: Quality, actions: Actions
) -> None:
    """The mention shows the person's word, the sample still what the model had said."""
    sample = quality.questions()[0].sample
    said = OTHER[sample.predicted]
    quality.answer(actions, sample, said, "Mira")
    drain(application)
    mention = _stored(queries, sample)
    assert mention.sentiment == said.value
    assert mention.overlay.sentiment is not None
    assert mention.overlay.sentiment.by == "Mira"
    held = quality.questions()[0].sample
    assert (held.predicted, held.answer, held.answered_by) == (sample.predicted, said, "Mira")
    assert quality.waiting() == QUESTIONS - 1


@pytest.mark.parametrize("said", ["as the model", "cannot tell"])
def test_an_answer_that_does_not_contradict_corrects_nothing(
    queries: Queries, quality: Quality, actions: Actions, said: str
) -> None:
    """Agreeing, or being unable to tell, leaves the mention as it is."""
    sample = quality.questions()[0].sample
    answer = Answer(sample.predicted.value) if said == "as the model" else Answer.CANNOT_TELL
    quality.answer(actions, sample, answer, "Mira")
    assert _stored(queries, sample).overlay.sentiment is None
    assert quality.questions()[0].sample.answer is answer


def test_undo_takes_back_answer_and_correction(
    queries: Queries, quality: Quality, actions: Actions
) -> None:
    """The mention shows what it showed, and the question is open again."""
    sample = quality.questions()[0].sample
    quality.answer(actions, sample, OTHER[sample.predicted], "Mira")
    quality.retract(actions, sample, "Mira")
    assert _stored(queries, sample).sentiment is sample.predicted
    assert _stored(queries, sample).overlay.said is None
    assert quality.questions()[0].sample == sample
    quality.retract(actions, sample, "Mira")
    assert quality.waiting() == QUESTIONS


def test_undo_keeps_what_somebody_corrected_since(
    queries: Queries, quality: Quality, actions: Actions
) -> None:
    """A correction made after the answer is another person's word and stands."""
    sample = quality.questions()[0].sample
    quality.answer(actions, sample, OTHER[sample.predicted], "Mira")
    third = next(s for s in Sentiment if s.value not in {sample.predicted, OTHER[sample.predicted]})
    actions.set_sentiment(_stored(queries, sample), third, "Kim")
    quality.retract(actions, sample, "Mira")
    assert _stored(queries, sample).sentiment is third


def test_another_answer_replaces_the_first(
    queries: Queries, quality: Quality, actions: Actions
) -> None:
    """Changing one's mind counts once, and its undo leads back to the model's word."""
    sample = quality.questions()[0].sample
    quality.answer(actions, sample, OTHER[sample.predicted], "Mira")
    quality.answer(actions, sample, Answer(sample.predicted.value), "Mira")
    assert _stored(queries, sample).sentiment is sample.predicted
    assert quality.report().overall.n == 1
    assert quality.report().confusion.n == 1


def test_own_corrections_are_never_counted(
    queries: Queries, quality: Quality, actions: Actions
) -> None:
    """Who corrects a mention of the sample without answering says nothing on accuracy."""
    for question in quality.questions():
        actions.set_sentiment(question.row.mention, Sentiment.NEUTRAL, "Mira")
    assert quality.report().overall.n == 0


def test_the_confusion_of_each_channel(
    application: Application, quality: Quality, actions: Actions
) -> None:
    """Answers are counted in their channel, people in rows and the model in columns."""
    questions = quality.questions()
    for question in questions:
        quality.answer(actions, question.sample, Answer.NEGATIVE, "Mira")
    found = confusion_by_channel(application)
    assert sum(confusion.n for confusion in found.values()) == QUESTIONS
    for channel, confusion in found.items():
        inside = [q.sample for q in questions if q.sample.channel is Channel(channel)]
        predicted = [sample.predicted for sample in inside]
        assert confusion.counts[0] == tuple(predicted.count(label) for label in Sentiment)
    tomorrow = quality.today + timedelta(days=1)
    assert confusion_by_channel(application, tomorrow) == {}


def test_the_report_as_data(quality: Quality, actions: Actions) -> None:
    """Every number has its count beside it, and what is not known is null."""
    sample = quality.questions()[0].sample
    quality.answer(actions, sample, OTHER[sample.predicted], "Mira")
    data = report_data(quality.report())
    assert (data["accuracy"], data["n"], data["needed"]) == (None, 1, 30)
    assert data["confusion"][OTHER[sample.predicted].value][sample.predicted.value] == 1
    assert data["channels"][sample.channel.value]["n"] == 1
    assert data["drift"]["difference"] is None


def _estimated(right: float, n: int = 60) -> Accuracy:
    return Accuracy(n, 0, Estimate(right, right - 0.1, right + 0.05, n))


def test_the_words_on_accuracy() -> None:
    """They say of how many, with the interval, or how many are missing."""
    assert accuracy_words(Accuracy(12, 1, None)) == "Not enough answers yet: 12 of 30."
    assert "80% of 60 random mentions (95 % interval 70% to 85%)" in accuracy_words(_estimated(0.8))
    assert accuracy_cell(Accuracy(3, 0, None)) == "not enough answers yet: 3 of 30"
    assert accuracy_cell(_estimated(0.8)) == "80% (70% to 85%)"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Estimate(-0.2, -0.3, -0.1, 60), "20 points less (-30 to -10), more than chance explains"),
        (Estimate(0.04, -0.1, 0.18, 60), "4 points more (-10 to +18), which may be chance"),
        (Estimate(0.0, -0.1, 0.1, 60), "no change (-10 to +10), which may be chance"),
    ],
)
def test_the_words_on_a_drift(change: Estimate, words: str) -> None:
    """They say by how much, within what, and whether chance explains it."""
    said = drift_words(Drift(_estimated(0.6), _estimated(0.8), change))
    assert words in said
    few = drift_words(Drift(Accuracy(4, 0, None), _estimated(0.8), None))
    assert "4 of 30 in the last 30 days" in few
