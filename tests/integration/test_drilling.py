"""Drills: a made-up crisis in a sandbox, over a real index and state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app import drilling
from app.alerting import chosen_rules
from app.bootstrap import Application
from app.drilling import drill
from core.errors import UsageError
from core.mention import Sentiment, TopicSpan
from core.questions import Selection
from core.rules import NegativeSpikeRule, NewTrendRule
from tests.fakes import crisis
from tests.mockserver.replies import text
from tests.mockserver.server import MockServer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """Return a home with six weeks of calm."""
    home = crisis.write_home(tmp_path_factory.mktemp("drill"))
    opened = crisis.open_home(home, lambda: crisis.NOW)
    opened.index.apply(crisis.ordinary(), crisis.NOW)
    opened.index.refresh()
    yield opened
    opened.close()


def test_drill_shows_what_would_be_mailed_and_touches_nothing(application: Application) -> None:
    """A crisis is mailed within minutes, to whom it would go; the real home is not touched."""
    before = application.index.count(Selection())
    (rule,) = chosen_rules(application, ["Acme volume"])
    played = drill(application, rule, 90, lasts=HOUR, watched=HOUR / 2)
    assert (played.made, played.began) == (90, crisis.NOW - timedelta(days=1))
    assert played.recipients == ("press@listen.example",)
    first = played.mails[0]
    assert timedelta(0) < first.after <= timedelta(minutes=15)
    assert first.at == played.began + first.after
    assert "Acme" in first.subject
    assert "Drill" in first.text
    application.index.refresh()
    assert application.index.count(Selection()) == before
    assert not application.state.incidents()
    assert not (application.home / "mail").exists()


def test_drill_of_a_negative_rule(application: Application) -> None:
    """The made-up mentions are negative towards the topic, whatever the real ones said of it."""
    (rule,) = chosen_rules(application, ["Acme negative"])
    played = drill(application, rule, 60, lasts=HOUR, watched=HOUR)
    found = re.search(r"(\d+) of (\d+) mentions negative", played.mails[0].subject)
    assert found is not None
    assert int(found[1]) / int(found[2]) > 0.5


def test_a_made_up_mention_says_the_same_of_the_topic_in_every_way(
    application: Application,
) -> None:
    """A real one that praises the topic is no pattern for its sentiment."""
    (rule,) = chosen_rules(application, ["Acme negative"])
    assert isinstance(rule, NegativeSpikeRule)
    like = crisis.mention(1, crisis.NOW, "I love acme")
    assert like.enrichment is not None
    span = TopicSpan(topic="Acme", sentiment=Sentiment.POSITIVE, confidence=0.9, start=0, end=11)
    other = span.model_copy(update={"topic": "Globex"})
    praise = like.enrichment.model_copy(
        update={
            "topic_spans": (span, other),
            "topic_sentiment": ("Acme|positive", "Globex|positive"),
        }
    )
    pattern = like.model_copy(update={"enrichment": praise})
    (made,) = drilling._made_up(rule, (pattern,), crisis.NOW, 1, HOUR)
    assert made.enrichment is not None
    assert made.sentiment_towards("Acme") is Sentiment.NEGATIVE
    assert made.sentiment_towards("Globex") is Sentiment.POSITIVE
    assert set(made.enrichment.topic_sentiment) == {"Acme|negative", "Globex|positive"}


def test_a_drill_tells_no_chat(
    tmp_path: Path, mock_server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing leaves the sandbox, whatever addresses are set."""
    route = mock_server.route("/hook", text("ok"))
    monkeypatch.setenv("GROUNDSWELL_NOTIFY__TEAM", route.replace("http", "json", 1))
    opened = crisis.open_home(crisis.write_home(tmp_path), lambda: crisis.NOW)
    assert opened.configuration.settings.notify
    opened.index.apply(crisis.ordinary(), crisis.NOW)
    opened.index.refresh()
    (rule,) = chosen_rules(opened, ["Acme volume"])
    assert drill(opened, rule, 90, lasts=HOUR, watched=HOUR / 2).mails
    assert mock_server.requests_to("/hook") == []
    opened.close()


GROUP = """\
- {name: Acme, query: acme, group: brands, kind: own}
- {name: Globex, query: globex, group: brands, kind: competitor}
"""


def test_a_drill_of_a_competitors_move_has_the_group(tmp_path: Path) -> None:
    """Its share can rise only where there are others."""
    home = crisis.write_home(tmp_path)
    (home / "configs" / "topics.yml").write_text(GROUP, encoding="utf-8")
    rules = "- {name: Move, kind: competitor_move, topic: Globex}\n"
    (home / "configs" / "alerts.yml").write_text(rules, encoding="utf-8")
    opened = crisis.open_home(home, lambda: crisis.NOW)
    opened.index.apply(crisis.ordinary(), crisis.NOW)
    few = [
        crisis.mention(8_000_000 + n, crisis.NOW - n * HOUR, f"globex {n}", topic="Globex")
        for n in range(1, 42 * 24)
    ]
    opened.index.apply(few, crisis.NOW)
    opened.index.refresh()
    (rule,) = chosen_rules(opened, ["Move"])
    played = drill(opened, rule, 90, lasts=HOUR, watched=HOUR)
    assert "Globex" in played.mails[0].subject
    opened.close()


def test_a_drill_that_could_show_nothing_is_refused(application: Application) -> None:
    """A rule about authors counts none of what is made up, one about trends no crisis of a size."""
    (rule,) = chosen_rules(application, ["Acme volume"])
    (like,) = application.index.page(Selection(), 1).mentions
    assert like.author is not None
    named = rule.model_copy(update={"query": f'author:"{like.author.handle}"'})
    with pytest.raises(UsageError, match="do not match its query"):
        drill(application, named, 60)
    trends = NewTrendRule(name="Trends", topic="Acme")
    with pytest.raises(UsageError, match="new_trend; a drill plays a crisis for"):
        drill(application, trends, 60)


def test_drill_of_a_rule_that_learns_anew_shows_that(tmp_path: Path) -> None:
    """Its history is of another query; the sandbox knows that."""
    home = crisis.write_home(tmp_path)
    opened = crisis.open_home(home, lambda: crisis.NOW - 2 * DAY)
    opened.index.apply(crisis.ordinary(), crisis.NOW)
    opened.note_versions()
    topics = home / "configs" / "topics.yml"
    topics.write_text(crisis.TOPICS_YML.replace("query: acme", "query: acme OR kettle"))
    opened.close()
    opened = crisis.open_home(home, lambda: crisis.NOW - 2 * DAY)
    opened.note_versions()
    opened.clock = lambda: crisis.NOW
    (rule,) = chosen_rules(opened, ["Acme volume"])
    played = drill(opened, rule, 120, lasts=HOUR, watched=HOUR)
    assert "learning since the query of Acme changed on 3 Mar" in played.mails[0].text
    opened.close()


def test_small_crisis_brings_no_mail(application: Application) -> None:
    """Two mentions more an hour are nothing to be told."""
    (rule,) = chosen_rules(application, ["Acme volume"])
    assert drill(application, rule, 2, lasts=HOUR, watched=HOUR / 4).mails == ()


def test_drill_needs_mentions_and_copies_no_more_than_it_may(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic without mentions has nothing to be like; one with too many is not copied."""
    (rule,) = chosen_rules(application, ["Acme volume"])
    with pytest.raises(UsageError, match="saw no mention in the week before"):
        drill(application, rule.model_copy(update={"topic": "Quiet"}), 60)
    monkeypatch.setattr(drilling, "LARGEST_COPY", 10)
    with pytest.raises(UsageError, match="copies at most 10"):
        drill(application, rule, 60)
