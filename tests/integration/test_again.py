"""`groundswell enrich --again`: history becomes that of the query and the models of now."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.again import AgainReport, do_again, worker_for
from app.alerting import Outcome
from app.bootstrap import open_application, system_clock
from app.doctor import Finding, Verdict, examine
from app.enricher import Enricher
from app.versions import mendable
from core.errors import RetryableError
from core.mention import Correction, Mention, Overlay, Sentiment
from core.questions import Selection
from core.versions import VersionStep
from tests.fakes import crisis
from tests.fakes.crisis_home import Home
from tests.integration.command_line import groundswell

HOUR = timedelta(hours=1)
FAST = """\
languages: [en]
models:
  sentiment: sentiment-en
  entities: false
  discovered_themes: false
"""
ALL = Selection(include_own=True, include_irrelevant=True)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Return two days of calm whose versions are known."""
    made = Home(crisis.write_home(tmp_path, settings=crisis.SETTINGS_YML + FAST))
    said = crisis.ordinary(days=2)
    corrected = said[0].model_copy(
        update={
            "overlay": Overlay(
                sentiment=Correction(value=Sentiment.POSITIVE, by="kim", at_us=1),
                irrelevant=Correction(value=True, by="kim", at_us=1),
            )
        }
    )
    made.application.index.apply([corrected, *said[1:]], crisis.NOW)
    made.application.note_versions()
    yield made
    made.application.close()


def write(home: Home, name: str, old: str, new: str) -> None:
    """Change the configuration, an hour later; the next process reads it."""
    path = home.folder / "configs" / f"{name}.yml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    home.clock.now += HOUR
    home.restart()
    home.application.note_versions()
    home.clock.now += HOUR


def again(home: Home, topic: str | None = None, stop: threading.Event | None = None) -> AgainReport:
    """Do it all again, with an enricher of our own."""
    application, stop = home.application, stop or threading.Event()
    application.index.setup()
    work = worker_for(application, lambda: application.enricher([]), stop)
    asked = application.configuration.topic(topic) if topic else None
    return do_again(application, work, topic=asked, since=None, stop=stop)


def stored(home: Home) -> list[Mention]:
    """Return all that is stored."""
    home.application.index.refresh()
    return sorted(home.application.index.scan(ALL), key=lambda one: one.published_at)


def test_where_nothing_changed_nothing_is_done(home: Home) -> None:
    """Every mention is looked at and left alone."""
    before = stored(home)
    report = again(home)
    assert (report.read, report.done, report.unchanged) == (len(before), 0, len(before))
    assert stored(home) == before
    assert {one.step for one in home.application.state.versions.all()} == {VersionStep.FIRST}


def test_a_narrower_query_takes_the_topic_off_what_is_stored(home: Home) -> None:
    """Though its version was not raised; rules need not learn, and a second time does nothing."""
    write(home, "topics", "query: acme\n", "query: acme AND NOT sturdy\n")
    with_word = sum("sturdy" in one.text for one in stored(home))
    report = again(home)
    assert (report.done, report.lost, report.gained) == (with_word, {"Acme": with_word}, {})
    assert not report.unlike
    assert not any("sturdy" in one.text for one in stored(home) if one.matched_topics)
    assert "since" not in home.evaluate()["Acme volume"].message
    assert again(home).done == 0
    write(home, "topics", "query: acme AND NOT sturdy\n", "query: acme\n")
    assert again(home).gained == {"Acme": with_word}
    assert all(one.matched_topics == ("Acme",) for one in stored(home))


def test_a_wider_query_finds_what_other_topics_stored_and_says_what_is_missing(home: Home) -> None:
    """What no topic matched was never stored, so the rules go on learning."""
    write(home, "topics", "query: nobody\n", "query: nobody OR kettle\n")
    report = again(home)
    assert report.gained["Quiet"] == sum("kettle" in one.text for one in stored(home)) > 0
    assert list(report.unlike) == ["Quiet"]


def test_another_model_scores_history_again_and_people_keep_their_word(home: Home) -> None:
    """Rules about the negative share can compare at once; one that was learning goes on."""
    write(home, "settings", "  sentiment: sentiment-en\n", "  minimum_confidence: 0.4\n")
    write(home, "settings", "  minimum_confidence: 0.4\n", "  sentiment: sentiment-en\n")
    message = home.evaluate()["Acme negative"].message
    assert "since the sentiment model changed on 5 Mar" in message
    before = stored(home)
    report = again(home)
    assert report.done == len(before)
    after = stored(home)
    assert all(one.enrichment and "sentiment-en@1.1" in one.enrichment.models for one in after)
    assert [one.overlay for one in after] == [one.overlay for one in before]
    assert [one.story_id for one in after] == [one.story_id for one in before]
    told = home.evaluate()["Acme negative"]
    assert told.outcome is Outcome.LEARNING
    assert "since the sentiment" not in told.message
    assert again(home).done == 0


def test_doctor_says_where_it_would_help(home: Home) -> None:
    """After a narrower query, until it was done; not after a wider one, whose past is not there."""

    def found() -> Finding:
        folder = home.folder / "configs"
        return next(one for one in examine(folder, home.folder / "home") if one.name == "history")

    write(home, "topics", "query: nobody\n", "query: nobody OR kettle\n")
    assert found().verdict is Verdict.OK
    write(home, "topics", "query: acme\n", "query: acme AND NOT sturdy\n")
    # The clock of the doctor is the system's, for which that was long ago.
    at = [replace(one, at=system_clock()) for one in home.application.state.versions.all()]
    assert mendable(at, ["Acme", "Quiet"], system_clock()) == ["Acme"]
    again(home)
    assert mendable(home.application.state.versions.all(), ["Acme"], home.clock.now) == []
    assert found().verdict is Verdict.OK


def test_themes_are_read_again_too(home: Home) -> None:
    """A rule that reads a theme compares with nothing that other themes were read from."""
    rule = "- {name: Refunds, kind: volume_spike, topic: Acme, query: 'theme:gifts'}\n"
    (home.folder / "configs" / "alerts.yml").write_text(rule, encoding="utf-8")
    themes = home.folder / "configs" / "themes.yml"
    themes.write_text("- {name: Gifts, query: gift}\n", encoding="utf-8")
    write(home, "topics", "", "")
    assert "since the themes changed on 5 Mar" in home.evaluate()["Refunds"].message
    report = again(home)
    assert report.done == report.read
    gifts = [one for one in stored(home) if "gift" in one.text]
    assert gifts
    assert all(one.enrichment and one.enrichment.themes == ("Gifts",) for one in gifts)
    assert "since" not in home.evaluate()["Refunds"].message
    assert again(home).done == 0


def test_one_topic_can_be_done_by_itself(home: Home) -> None:
    """Another one's history stays as it is."""
    write(home, "topics", "query: acme\n", "query: acme AND NOT sturdy\n")
    assert again(home, "Quiet").done == 0
    assert "since the query of Acme" in home.evaluate()["Acme volume"].message
    assert again(home, "Acme").done > 0
    assert "since the query of Acme" not in home.evaluate()["Acme volume"].message


def test_rows_that_an_import_gave_to_a_topic_stay_with_it(home: Home) -> None:
    """No query of the topic ever found them, so none takes them off."""
    given = crisis.mention(9_999_999, crisis.NOW - HOUR, "a story without the name")
    home.application.index.apply([given], crisis.NOW)
    write(home, "topics", "query: acme\n", "query: acme AND NOT sturdy\n")
    again(home)
    assert home.application.index.get([given.id])[given.id].matched_topics == ("Acme",)


def test_mentions_of_an_account_that_became_ones_own_are_left_out(home: Home) -> None:
    """Whose a mention is belongs to its content; nothing else of it changes."""
    own = "  own:\n  - {service: mastodon, id: 'https://social.example/users/p7'}\n"
    write(home, "topics", "query: acme\n", f"query: acme\n{own}")
    report = again(home)
    found = [one for one in stored(home) if one.is_own]
    assert len(found) == report.done > 0
    assert {one.author.handle for one in found if one.author} == {"p7@social.example"}
    assert again(home).done == 0


def test_what_was_stopped_says_nothing_and_goes_on_where_it_was(home: Home) -> None:
    """History is of the new query only once all of it is."""
    write(home, "topics", "query: acme\n", "query: acme AND NOT sturdy\n")
    stop = threading.Event()
    application = home.application
    application.index.setup()
    enricher = application.enricher([])

    def work() -> None:
        enricher.run(drain=True, stop=threading.Event())
        stop.set()

    first = do_again(application, work, topic=None, since=None, stop=stop)
    assert first.is_stopped
    assert first.unlike
    second = again(home)
    assert 0 < second.done < first.done + second.done
    assert not second.unlike


def test_a_configuration_that_changes_meanwhile_is_told(home: Home) -> None:
    """History is of neither then."""
    write(home, "topics", "query: acme\n", "query: acme AND NOT sturdy\n")

    def work() -> None:
        write(home, "topics", "AND NOT sturdy", "AND NOT gift")

    application = open_application(home.folder / "configs", home.folder / "home", producer="again")
    with pytest.raises(RetryableError, match="changed meanwhile"):
        do_again(application, work, topic=None, since=None, stop=threading.Event())
    application.close()


def test_an_enricher_that_runs_already_does_the_work(home: Home) -> None:
    """The one that asks only writes into the spool, and waits."""
    write(home, "topics", "query: acme\n", "query: acme AND NOT sturdy\n")
    home.application.index.setup()
    running = home.application.enricher([])
    home.application.spool.claim()
    stop = threading.Event()
    thread = threading.Thread(target=lambda: running.run(drain=False, stop=stop))
    thread.start()
    asking = open_application(home.folder / "configs", home.folder / "home", producer="again")
    asking.clock = home.clock

    def never() -> Enricher:
        raise AssertionError("there is one already")

    try:
        work = worker_for(asking, never, threading.Event())
        report = do_again(asking, work, topic=None, since=None, stop=threading.Event())
    finally:
        stop.set()
        thread.join()
        asking.close()
    assert report.lost["Acme"] == report.done > 0
    assert not any("sturdy" in one.text for one in stored(home) if one.matched_topics)


def test_a_part_of_history_can_be_done_from_the_command_line(home: Home) -> None:
    """Says what was done, and that what is older was not; wrong words are told as such."""
    write(home, "topics", "query: acme\n", "query: acme AND NOT sturdy\n")
    home.application.close()
    words = [
        "--config",
        str(home.folder / "configs"),
        "--now",
        f"{home.clock.now:%Y-%m-%dT%H:%M:%SZ}",
    ]
    home_variable = {"GROUNDSWELL_HOME": str(home.folder / "home")}
    done = groundswell(
        *words, "--json", "enrich", "--again", "--topic", "Acme", "--since", "1d",
        variables=home_variable,
    )  # fmt: skip
    assert done.code == 0, done.err
    told = done.document
    assert told["read"] == told["done"] + told["unchanged"] > 0
    assert told["lost"] == {"Acme": told["done"]}
    assert list(told["unlike"]) == ["Acme"]
    assert "what is older was not done again" in done.err
    lone = groundswell(*words, "enrich", "--topic", "Acme", variables=home_variable)
    assert (lone.code, "give --again" in lone.err) == (2, True)
    wrong = groundswell(*words, "enrich", "--again", "--topic", "Acmee", variables=home_variable)
    assert (wrong.code, "topics: Acme, Quiet" in wrong.err) == (2, True)
