"""What tags and scores mentions is compared by what it means, and each change is a version."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.again import Again
from app.versions import mendable, note_versions, since_words, unlike_in
from core.query.parser import parse
from core.questions import Selection
from core.settings import Configuration, ModelSettings, OwnAccount, Settings, Topic
from core.themes import DEFAULT_THEMES, Theme
from core.versions import (
    SENTIMENT,
    THEMES,
    Scoring,
    Tagging,
    Theming,
    Version,
    VersionKind,
    VersionStep,
    by_subject,
    difference,
    done_again,
    has_same_meaning,
    news,
    unlike,
)
from core.window import EPOCH, TimeWindow
from nlp import card
from nlp.card import scoring_of, theming_of
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

NOW = datetime(2026, 11, 3, 14, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACME = (VersionKind.QUERY, "Acme")


def version(number: int, made: Tagging | Scoring, step: VersionStep, words: str = "") -> Version:
    """Return a version of Acme's query, an hour after the one before it."""
    return Version(*ACME, number, NOW + number * HOUR, step, made, words)


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        ("acme", "acme", True),
        ("acme OR #launch", "(ACME OR #launch)", True),
        ("acme", "acme AND NOT comics", False),
        ("acme OR", "acme OR", True),
        ("acme OR", "acme", False),
    ],
)
def test_queries_are_compared_by_what_they_mean(left: str, right: str, is_same: bool) -> None:
    """Brackets and capitals make no version; a query that is wrong is like itself alone."""
    assert has_same_meaning(left, right) is is_same


def test_the_first_look_makes_versions_without_a_change() -> None:
    """Nothing is said of a topic that was never seen before."""
    found = news([], {ACME: Tagging(query="acme")}, NOW)
    assert found == [
        Version(VersionKind.QUERY, "Acme", 1, NOW, VersionStep.FIRST, Tagging(query="acme"))
    ]


def test_a_change_and_its_way_back_are_two_versions() -> None:
    """The same query again is no return to the first version."""
    first, other = Tagging(query="acme"), Tagging(query="acme OR #launch")
    known = [version(1, first, VersionStep.FIRST)]
    known += news(known, {ACME: other}, NOW + timedelta(hours=2))
    assert news(known, {ACME: other}, NOW + timedelta(hours=3)) == []
    known += news(known, {ACME: first}, NOW + timedelta(hours=4))
    assert [(one.number, one.step, one.words) for one in known] == [
        (1, VersionStep.FIRST, ""),
        (2, VersionStep.CHANGED, "query of Acme changed"),
        (3, VersionStep.CHANGED, "query of Acme changed"),
    ]


def test_versions_are_told_apart_by_what_they_are_of() -> None:
    """Each subject's are in order, whatever order they come in."""
    scored = Version(*SENTIMENT, 1, NOW, VersionStep.FIRST, Scoring(models=("en@1",)))
    tagged = [version(number, Tagging(query="acme"), VersionStep.AGAIN) for number in (2, 1)]
    assert by_subject([*tagged, scored]) == {ACME: tagged[::-1], SENTIMENT: [scored]}


def test_own_accounts_are_part_of_what_is_counted() -> None:
    """Their mentions are left out of what rules count."""
    before = Tagging(query="acme")
    after = Tagging(query="acme", own=(("mastodon", "1"),))
    assert difference("Acme", before, after) == "own accounts of Acme changed"
    assert not difference("Acme", after, after)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (Scoring(models=("en@2",)), Scoring(models=("en@2",)), ""),
        (Scoring(models=("en@2",)), Scoring(models=("en@3",)), "sentiment model en@2 -> en@3"),
        (Scoring(models=("en@2",)), Scoring(models=("en@2", "de@1")), "sentiment model de@1 added"),
        (
            Scoring(models=("en@2", "de@1")),
            Scoring(models=("en@2",)),
            "sentiment model de@1 removed",
        ),
        (
            Scoring(models=("en@2", "de@1")),
            Scoring(models=("de@1", "en@2")),
            "order of the sentiment models changed",
        ),
        (
            Scoring(models=("en@2",), digests=("a",)),
            Scoring(models=("en@2",), digests=("b",)),
            "weights or calibration of sentiment model en@2 changed",
        ),
        (
            Scoring(models=("en@2",), settings={"minimum_confidence": "0.5", "thorough": "true"}),
            Scoring(models=("en@2",), settings={"minimum_confidence": "0.6", "thorough": "true"}),
            "sentiment model: minimum_confidence 0.5 -> 0.6",
        ),
        (
            Scoring(models=("en@2",), settings={"gone": "1"}),
            Scoring(models=("en@2",), settings={"new": "2"}),
            "",
        ),
    ],
)
def test_a_change_of_models_is_said_in_words(before: Scoring, after: Scoring, words: str) -> None:
    """By name where that differs, else by what else does; another release's settings do not."""
    assert difference("", before, after) == words


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (Theming(models=(), themes=("a", "b")), Theming(models=(), themes=("b", "a")), ""),
        (Theming(models=()), Theming(models=(), themes=("a",)), "themes changed"),
        (
            Theming(models=("v@1",), digests=("a",)),
            Theming(models=("v@1",), digests=("b",)),
            "sentence vectors of themes changed",
        ),
        (
            Theming(models=()),
            Theming(models=("v@1",)),
            "sentence vectors of themes none -> v@1",
        ),
    ],
)
def test_a_change_of_themes_is_said_in_words(before: Theming, after: Theming, words: str) -> None:
    """Whatever order they are written in."""
    assert difference("", before, after) == words


def test_themes_are_known_by_how_they_are_written(tmp_path: Path) -> None:
    """And by the vectors, where these have a part in them."""
    queries = (Theme(name="Refunds", query="refund*"),)
    assert theming_of(queries).models == ()
    assert "refund*" in theming_of(queries).themes[0]
    assert theming_of(DEFAULT_THEMES).models == ("vectors-en@1.0",)
    assert theming_of(DEFAULT_THEMES, tmp_path).models == (tmp_path.name,)


def test_two_kinds_cannot_be_compared() -> None:
    """That would be a mistake of ours."""
    with pytest.raises(TypeError, match="one kind"):
        difference("Acme", Tagging(query="acme"), Scoring(models=()))


def test_a_model_is_known_by_what_it_runs_with_not_by_its_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New figures in a card are no new model; another temperature is."""
    monkeypatch.setattr(card, "model_folder", lambda _: tmp_path)
    monkeypatch.setattr(card, "configured_references", lambda _: ["mine"])
    made = []
    for temperature, scores in ((1.0, "{}"), (1.0, '{"n": 3}'), (1.5, "{}")):
        (tmp_path / "config.json").write_text(
            f'{{"name": "en", "version": "2", "temperature": {temperature}, "scores": {scores}}}',
            encoding="utf-8",
        )
        made.append(scoring_of(ModelSettings()))
    assert made[0].models == ("en@2",)
    assert made[0] == made[1]
    assert "calibration" in difference("", made[0], made[2])
    (tmp_path / "config.json").write_text("no", encoding="utf-8")
    assert scoring_of(ModelSettings()).models == ("mine",)


def test_a_model_of_others_is_known_by_its_name_and_labels() -> None:
    """What the settings say of it is part of it; of a model of ours they say nothing."""
    data = {"sentiment": "someone/model", "sentiment_labels": {"LABEL_0": "negative"}}
    named = scoring_of(ModelSettings.model_validate(data))
    assert named.models == ("someone/model",)
    assert named.settings["sentiment_labels"] == '{"LABEL_0": "negative"}'
    assert "sentiment_labels" not in scoring_of(ModelSettings()).settings


def test_what_judges_notes_what_changed(tmp_path: Path) -> None:
    """Once for each process that opens the configuration; a dry run writes nothing."""
    home = Home(crisis.write_home(tmp_path))
    home.evaluate(dry_run=True)
    store = home.application.state.versions
    assert store.all() == []
    home.evaluate()
    home.evaluate()
    assert [(one.topic, one.step) for one in store.all() if one.kind is VersionKind.QUERY] == [
        ("Acme", VersionStep.FIRST),
        ("Quiet", VersionStep.FIRST),
    ]
    _change(home, "acme", "acme AND NOT comics")
    home.evaluate()
    _change(home, "acme AND NOT comics", "acme")
    home.evaluate()
    found = [one for one in home.application.state.versions.all() if one.words]
    assert [one.words for one in found] == ["query of Acme changed"] * 2
    assert {one.at for one in found} == {home.clock.now}
    home.application.close()


def _change(home: Home, before: str, after: str) -> None:
    path = home.folder / "configs" / "topics.yml"
    text = path.read_text(encoding="utf-8").replace(f"query: {before}\n", f"query: {after}\n")
    path.write_text(text, encoding="utf-8")
    home.restart()


def test_what_tags_and_what_enriches_note_it_too(tmp_path: Path) -> None:
    """Collecting with a new query is when it begins to count."""
    home = Home(crisis.write_home(tmp_path))
    home.application.intake()
    home.application.enricher([])
    assert len(home.application.state.versions.all()) == 4
    configuration = Configuration(
        settings=Settings(),
        topics=(Topic(name="Acme", query="acme", own=(OwnAccount(service="x", id="1"),)),),
    )
    store = home.application.state.versions
    note_versions(store, configuration, home.clock.now)
    assert [one.words for one in store.all() if one.words] == ["own accounts of Acme changed"]
    home.application.close()


def test_what_was_read_briefly_is_read_again(tmp_path: Path) -> None:
    """Whatever topic is asked for, and though no query or model changed."""
    home = Home(crisis.write_home(tmp_path))
    home.application.note_versions()
    full = crisis.mention(1, crisis.NOW, "acme boils")
    assert full.enrichment is not None
    made = full.enrichment.model_copy(update={"is_brief": True, "sentiment": None})
    brief = full.model_copy(update={"enrichment": made})
    for topic in (None, home.application.configuration.topic("Quiet")):
        again = Again(home.application, topic)
        assert (again.changed(full), again.changed(brief)) == (None, brief)
    home.application.close()


def steps(*made: tuple[VersionStep, str], kind: VersionKind = VersionKind.QUERY) -> list[Version]:
    """Return versions an hour apart, each query or model by what it is called."""
    return [
        Version(
            kind,
            "Acme" if kind is VersionKind.QUERY else "",
            number,
            NOW + number * HOUR,
            step,
            Tagging(query=name) if kind is VersionKind.QUERY else Scoring(models=(name,)),
            words="query of Acme changed",
        )
        for number, (step, name) in enumerate(made, 1)
    ]


FIRST, CHANGED, AGAIN = VersionStep.FIRST, VersionStep.CHANGED, VersionStep.AGAIN


def hours(versions: list[Version]) -> list[tuple[int | None, int]]:
    """Return from and to which hour after NOW history is unlike now; None is from the start."""
    return [
        (None if one.window.start == EPOCH else (one.window.start - NOW) // HOUR, end)
        for one in unlike(versions)
        for end in [(one.window.end - NOW) // HOUR]
    ]


def test_all_that_was_ever_counted_is_of_the_first_version() -> None:
    """Nothing is known of versions before the first that was written down."""
    assert hours([]) == []
    assert hours(steps((FIRST, "acme"))) == []


def test_history_before_a_change_is_unlike_now() -> None:
    """And the change that ended it is named."""
    versions = steps((FIRST, "acme"), (CHANGED, "acme OR kettle"))
    assert hours(versions) == [(None, 2)]
    assert unlike(versions)[0].change == versions[1]


def test_after_the_way_back_only_the_time_between_is_unlike() -> None:
    """What the first version tagged is what the third one tags."""
    assert hours(steps((FIRST, "acme"), (CHANGED, "kettle"), (CHANGED, "(acme)"))) == [(2, 3)]


def test_a_narrower_query_makes_history_whole_once_it_was_tagged_again() -> None:
    """All that it finds was stored."""
    narrowed = ((FIRST, "acme"), (CHANGED, "acme AND NOT comics"))
    assert hours(steps(*narrowed)) == [(None, 2)]
    assert hours(steps(*narrowed, (AGAIN, "acme AND NOT comics"))) == []


def test_a_wider_query_does_not() -> None:
    """What the old one let pass was never stored."""
    widened = ((FIRST, "acme"), (CHANGED, "acme OR kettle"), (AGAIN, "acme OR kettle"))
    assert hours(steps(*widened)) == [(None, 2)]


def test_what_was_tagged_again_by_another_query_is_unlike_now() -> None:
    """After the way back, history lacks what the query between took off."""
    path = ((FIRST, "acme"), (CHANGED, "acme AND NOT comics"), (AGAIN, "acme AND NOT comics"))
    assert hours(steps(*path, (CHANGED, "acme"))) == [(None, 2), (2, 4)]
    assert hours(steps(*path, (CHANGED, "acme"), (AGAIN, "acme"))) == [(2, 4)]


def test_another_model_makes_history_whole_from_where_it_scored_again() -> None:
    """The time before stays unlike; the end of it is told by the change that ended it."""
    changed = steps((FIRST, "en@2"), (CHANGED, "en@3"), (AGAIN, "en@3"), kind=VersionKind.SENTIMENT)
    assert hours(changed) == []
    part = replace(changed[2], since=NOW - 5 * HOUR)
    assert hours([*changed[:2], part]) == [(None, -5)]
    assert unlike([*changed[:2], part])[0].change == changed[1]
    late = replace(changed[2], since=NOW + 2 * HOUR)
    assert hours([*changed[:2], late]) == [(None, 2)]
    within = replace(changed[2], since=NOW + 5 * HOUR)
    assert hours([*changed[:2], within]) == [(None, 2)]


def test_a_clock_that_was_set_back_ends_no_time_before_it_began() -> None:
    """Versions follow each other in the order that they were written down."""
    versions = steps((FIRST, "acme"), (CHANGED, "kettle"), (CHANGED, "comics"))
    versions[2] = replace(versions[2], at=NOW)
    assert hours(versions) == [(None, 2)]


def test_what_was_done_again_is_of_the_newest_version() -> None:
    """A topic scored again counts its own; what was never seen has nothing to be done again by."""
    known = steps((FIRST, "acme"), (CHANGED, "kettle"))
    models = steps((FIRST, "en@2"), kind=VersionKind.SENTIMENT)
    subjects = [(VersionKind.QUERY, "Acme"), (VersionKind.SENTIMENT, "Acme"), (ACME[0], "Other")]
    made = done_again([*known, *models], subjects, NOW, NOW - HOUR)
    assert [(one.subject, one.number, one.made, one.since) for one in made] == [
        (subjects[0], 3, known[1].made, NOW - HOUR),
        (subjects[1], 1, models[0].made, NOW - HOUR),
    ]
    twice = done_again([*known, *models, *made], subjects[1:2], NOW)
    assert [(one.number, one.step) for one in twice] == [(2, AGAIN)]


def test_scores_count_only_where_they_are_asked_for() -> None:
    """A new model is nothing to a rule about volume; a topic scored again is whole by itself."""
    models = steps((FIRST, "en@2"), (CHANGED, "en@3"), kind=VersionKind.SENTIMENT)
    again = Version(VersionKind.SENTIMENT, "Acme", 1, NOW + 3 * HOUR, AGAIN, models[1].made)
    volume = Selection(topics=("Acme",))
    negative = Selection(topics=("Acme",), query=parse("sentiment:negative"))
    assert unlike_in(models, volume) == []
    assert len(unlike_in(models, negative)) == 1
    assert unlike_in([*models, again], negative) == []
    assert len(unlike_in([*models, again], replace(negative, topics=("Other",)))) == 1
    assert len(unlike_in(models, replace(negative, topics=()))) == 1


def test_themes_count_only_where_they_are_asked_for() -> None:
    """By a rule that reads one."""
    made = Theming(models=()), Theming(models=(), themes=("a",))
    versions = [
        Version(*THEMES, number, NOW, step, one, "themes changed" * (number - 1))
        for number, (step, one) in enumerate(zip((FIRST, CHANGED), made, strict=True), 1)
    ]
    refunds = Selection(topics=("Acme",), query=parse("theme:refunds"))
    assert unlike_in(versions, Selection(topics=("Acme",))) == []
    assert unlike_in(versions, replace(refunds, query=parse("sentiment:negative"))) == []
    found = unlike_in(versions, refunds)
    assert len(found) == 1
    reach = TimeWindow.before(NOW + HOUR, timedelta(days=7))
    assert since_words(found, reach, "UTC") == "the themes changed on 3 Nov"
    again = done_again(versions, [(THEMES[0], "Acme")], NOW)
    assert unlike_in([*versions, *again], refunds) == []
    assert mendable(versions, ["Acme"], NOW) == ["Acme"]


def test_without_a_topic_the_changes_of_all_count() -> None:
    """Their mentions are counted together."""
    acme = steps((FIRST, "acme"), (CHANGED, "kettle"))
    other = [replace(one, topic="Other", at=one.at - HOUR) for one in acme]
    ends = [one.window.end for one in unlike_in([*acme, *other], Selection())]
    assert ends == [NOW + HOUR, NOW + 2 * HOUR]
    assert len(unlike_in([*acme, *other], Selection(topics=("Other",)))) == 1


def test_the_last_change_within_reach_is_told() -> None:
    """On the date of the zone; what a baseline no longer reads is not told."""
    found = unlike(steps((FIRST, "acme"), (CHANGED, "kettle"), (CHANGED, "comics")))
    reach = TimeWindow.before(NOW + timedelta(days=1), timedelta(days=7))
    assert since_words(found, reach, "UTC") == "the query of Acme changed on 3 Nov"
    assert since_words(found, reach, "Asia/Tokyo") == "the query of Acme changed on 4 Nov"
    past = TimeWindow.before(NOW + timedelta(days=9), timedelta(days=7))
    assert since_words(found, past, "UTC") is None
    models = steps((FIRST, "en@2"), (CHANGED, "en@3"), kind=VersionKind.SENTIMENT)
    assert since_words(unlike(models), reach, "UTC") == "the sentiment model changed on 3 Nov"
