import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from app.actions import Actions, excluded, suggested_terms
from app.bootstrap import Application
from app.queries import Queries
from app.scope import Preset, Scope
from core.errors import ConfigurationError, QueryError, UsageError
from core.mention import Enrichment, Entity, Mention, Sentiment, Status
from core.query.evaluate import matches
from core.query.parser import parse
from core.settings import Topic
from core.versions import Tagging, Version, VersionKind, VersionStep
from tests.fakes import scenario
from tests.fakes.homes import drain, fill_home, open_scenario

EVER = Scope(preset=Preset.ALL)


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
def actions(application: Application, queries: Queries) -> Actions:
    """What a person does."""
    return Actions(application, queries)


def _first(queries: Queries, query: str) -> Mention:
    return queries.search(Scope(preset=Preset.ALL, query=query), 1).rows[0].mention


def test_not_us_moves_the_numbers_at_once_and_for_good(
    application: Application, queries: Queries, actions: Actions
) -> None:
    """The count drops before the index knows, and is the same after it does."""
    before = queries.count(EVER)
    actions.mark_irrelevant(_first(queries, "kettle"), "me")
    assert queries.count(EVER) == before - 1
    assert application.index.count(EVER.selection(queries.configuration, scenario.NOW)) == before
    assert drain(application) == 1
    assert queries.count(EVER) == before - 1
    assert queries.pending.fragments() == []


def test_a_corrected_sentiment_shows_who_set_it(
    application: Application, queries: Queries, actions: Actions
) -> None:
    """A person's word stands above the model's and keeps their name."""
    mention = _first(queries, "sentiment:positive")
    actions.set_sentiment(mention, Sentiment.NEGATIVE, "Mira")
    drain(application)
    stored = application.index.get([mention.id])[mention.id]
    assert stored.sentiment is Sentiment.NEGATIVE
    assert stored.overlay.sentiment is not None
    assert stored.overlay.sentiment.by == "Mira"


def test_undo_gives_the_model_its_word_back(
    application: Application, queries: Queries, actions: Actions
) -> None:
    """A person's word counts for every topic; taken back, each topic has its own again."""
    mention = _first(queries, "sentiment:positive")
    done = actions.set_sentiment(mention, Sentiment.NEGATIVE, "Mira")
    drain(application)
    actions.undo(done, "Mira")
    drain(application)
    stored = application.index.get([mention.id])[mention.id]
    assert stored.overlay.said is None
    assert stored.sentiment is Sentiment.POSITIVE


def test_undo_of_a_second_correction_brings_the_first_back(
    application: Application, queries: Queries, actions: Actions
) -> None:
    """What a person had said before stands again, as a person's word."""
    mention = _first(queries, "sentiment:positive")
    actions.set_sentiment(mention, Sentiment.NEUTRAL, "Mira")
    drain(application)
    [held] = queries.by_ids([mention.id])
    actions.undo(actions.set_sentiment(held, Sentiment.NEGATIVE, "Tom"), "Tom")
    drain(application)
    stored = application.index.get([mention.id])[mention.id]
    assert stored.overlay.said is not None
    assert stored.sentiment is Sentiment.NEUTRAL


def test_done_leaves_the_inbox(queries: Queries, actions: Actions) -> None:
    """What was answered no longer waits for an answer."""
    inbox = EVER.needing_answer()
    before = queries.count(inbox)
    actions.set_status(queries.search(inbox, 1).rows[0].mention, Status.DONE, "me")
    assert queries.count(inbox) == before - 1


@pytest.mark.parametrize("is_drained", [False, True])
def test_undo_brings_everything_back(
    application: Application, queries: Queries, actions: Actions, is_drained: bool
) -> None:
    """Undo restores what was before, whether or not the correction has arrived."""
    mention = _first(queries, "sentiment:positive")
    before = queries.stats(EVER)
    for done in (
        actions.set_sentiment(mention, Sentiment.NEGATIVE, "me"),
        actions.set_status(mention, Status.DONE, "me"),
        actions.mark_irrelevant(mention, "me"),
    ):
        if is_drained:
            drain(application)
        actions.undo(done, "me")
    assert queries.stats(EVER) == before
    drain(application)
    assert queries.stats(EVER) == before


def test_excluding_shows_what_it_would_remove_and_saves_nothing(
    application: Application, queries: Queries, actions: Actions
) -> None:
    """The preview counts the mentions that the term would take away."""
    path = application.config_folder / "topics.yml"
    text = path.read_text(encoding="utf-8")
    edit = actions.preview_exclusion("Acme", "Sunday evening")
    assert edit.after == '(acme OR @acme) AND NOT "Sunday evening"'
    recent = Scope(topics=("Acme",), preset=Preset.MONTH, query='"sunday evening"')
    assert edit.removed == queries.count(recent) > 0
    assert edit.samples
    assert edit.kept + edit.removed == queries.count(Scope(topics=("Acme",), preset=Preset.MONTH))
    assert path.read_text(encoding="utf-8") == text


def test_a_saved_exclusion_changes_the_query_and_what_is_stored(
    application: Application, queries: Queries, actions: Actions
) -> None:
    """The topic gets the query and its next version, and loses the mentions, at once and later."""
    acme = Scope(topics=("Acme",), preset=Preset.ALL)
    before = queries.count(acme)
    edit = actions.preview_exclusion("Acme", "Sunday evening")
    assert actions.save_exclusion(edit) == edit.removed
    assert queries.count(acme) == before - edit.removed
    drain(application)
    assert queries.count(acme) == before - edit.removed
    text = (application.config_folder / "topics.yml").read_text(encoding="utf-8")
    (saved,) = [entry for entry in yaml.safe_load(text) if entry["name"] == "Acme"]
    assert (saved["query"], saved["query_version"]) == (edit.after, 2)
    assert "# What we listen to." in text


@pytest.mark.parametrize("query", ["acme", "another query"])
def test_an_exclusion_makes_history_alike_only_where_it_was(
    application: Application, actions: Actions, query: str
) -> None:
    """What an older query had tagged, and the exclusion does not name, still is of that query."""
    store, (acme, *_) = application.state.versions, application.configuration.topics
    made = Tagging(query=acme.query if query == "acme" else query)
    first = Version(VersionKind.QUERY, "Acme", 1, application.clock(), VersionStep.FIRST, made)
    store.add([first])
    actions.save_exclusion(actions.preview_exclusion("Acme", "Sunday evening"))
    steps = [one.step for one in store.all() if one.topic == "Acme"]
    assert (steps[-1] is VersionStep.AGAIN) == (query == "acme")
    assert VersionStep.CHANGED in steps


def test_an_edit_of_an_older_query_is_refused(application: Application, actions: Actions) -> None:
    """Two people do not overwrite each other's query."""
    edit = actions.preview_exclusion("Acme", "Sunday evening")
    topics = (Topic(name="Acme", query="acme AND lang:en"),)
    application.configuration = application.configuration.model_copy(update={"topics": topics})
    with pytest.raises(UsageError, match="changed meanwhile"):
        actions.save_exclusion(edit)


def test_an_edit_that_fails_the_topics_examples_is_refused(
    application: Application, actions: Actions
) -> None:
    """An exclusion that would lose an example the topic must match is not saved."""
    path = application.config_folder / "topics.yml"
    example = '  examples:\n    match: ["acme on a Sunday evening"]\n'
    text = path.read_text(encoding="utf-8").replace("- name: Globex", f"{example}- name: Globex")
    path.write_text(text, encoding="utf-8")
    edit = actions.preview_exclusion("Acme", "Sunday evening")
    with pytest.raises(ConfigurationError, match="does not match"):
        actions.save_exclusion(edit)
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("term", "written"),
    [
        ("comics", "comics"),
        ("#acmecomics", "#acmecomics"),
        ("Road Runner", '"Road Runner"'),
        ('say "when"', '"say when"'),
        ("OR", '"OR"'),
        ("a:b", '"a:b"'),
        ("x*", '"x*"'),
    ],
)
def test_a_term_is_excluded_as_text_and_never_as_query_language(term: str, written: str) -> None:
    """Operators and wildcards in a term are quoted away."""
    query = excluded("acme", term)
    assert query == f"(acme) AND NOT {written}"
    assert matches(parse(query), Mention(id="a", text="acme").with_version(1))


@pytest.mark.parametrize("term", ["", "   ", '""', "!!!"])
def test_a_term_without_a_word_is_refused(term: str) -> None:
    """What holds nothing to exclude gives a message."""
    with pytest.raises((UsageError, QueryError)):
        excluded("acme", term)


def test_an_unknown_topic_cannot_be_edited(actions: Actions) -> None:
    """The message names the topic."""
    with pytest.raises(UsageError, match="Acne"):
        actions.preview_exclusion("Acne", "x")


def test_suggestions_are_names_that_the_topic_does_not_look_for() -> None:
    """The brand's own words are never suggested as what tells a mention apart."""
    text = "Acme Comics and Road Runner at Acme"
    mention = Mention(id="a", text=text, published_at=scenario.NOW).with_version(1)
    enrichment = Enrichment(
        content_version=mention.version,
        enriched_us=1,
        hashtags=("comicon", "acme"),
        entities=(
            Entity(text="Road Runner", label="PERSON", start=16, end=27),
            Entity(text="Acme", label="ORG", start=31, end=35),
        ),
    )
    found = suggested_terms(
        mention.model_copy(update={"enrichment": enrichment}), Topic(name="Acme", query="acme")
    )
    assert found == ["#comicon", "Road Runner"]
