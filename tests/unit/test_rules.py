"""Each kind of rule has settings of its own, and says in words what is wrong with them."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.kinds import KINDS
from core.errors import ConfigurationError
from core.loading import load_configuration
from core.rules import (
    RULE_CLASSES,
    RULES,
    AllClearRule,
    AuthorRule,
    DigestRule,
    InfluencerRule,
    KeywordRule,
    OutletRule,
    Rule,
    RuleKind,
    SelfTestRule,
    SourceOutageRule,
    VolumeSpikeRule,
    topics_of,
)

TOPICS = """\
- {name: Acme, query: acme, group: kettles}
- {name: Globex, query: globex, group: kettles, kind: competitor}
- {name: Alone, query: alone, group: nobody, kind: competitor}
"""


def problems(folder: Path, alerts: str) -> str:
    """Return what is wrong with the rules."""
    (folder / "topics.yml").write_text(TOPICS, encoding="utf-8")
    (folder / "alerts.yml").write_text(alerts, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(folder, {})
    return str(caught.value)


def test_every_kind_has_a_class_and_an_entry() -> None:
    """A kind without either would be known and do nothing."""
    assert set(RULE_CLASSES) == set(RuleKind) == set(KINDS)
    assert all((kind.examine is None) != (kind.letter is None) for kind in KINDS.values())


def test_each_class_is_its_kind() -> None:
    """The class that a rule is read as is that of its kind."""
    rule = RULES.validate_python({"name": "a", "kind": "volume_spike", "topic": "Acme"})
    assert isinstance(rule, VolumeSpikeRule)
    assert rule.watched_query == ""
    assert topics_of(rule) == ("Acme",)
    assert topics_of(AllClearRule(name="a", topics=("Acme", "Globex"))) == ("Acme", "Globex")
    assert topics_of(SourceOutageRule(name="a")) == ()


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (
            SelfTestRule(name="a", every=timedelta(hours=1), within=timedelta(minutes=1)),
            "a mention of its own every hour, within a minute",
        ),
        (
            SelfTestRule(name="a", every=timedelta(minutes=1), within=timedelta(minutes=15)),
            "a mention of its own every minute, within 15 minutes",
        ),
        (DigestRule(name="a"), "every topic, Mondays at 08:00"),
        (SourceOutageRule(name="a"), "every source, silent for 30 minutes"),
    ],
)
def test_what_a_rule_watches_is_said_as_people_say_it(rule: Rule, says: str) -> None:
    """One of a thing has no plural, and days have their capitals."""
    assert KINDS[rule.kind].describe(rule) == says


@pytest.mark.parametrize(
    ("alerts", "says"),
    [
        (
            "- {name: a, kind: volum_spike, topic: Acme}",
            "[0] (a).kind: 'volum_spike' is not known; did you mean 'volume_spike'? (allowed: ",
        ),
        ("- {name: a, kind: 'x', topic: Acme}", "'x' is not known (allowed: volume_spike"),
        ("- {name: a, topic: Acme}", "[0] (a).kind: is needed"),
        (
            "- {name: a, kind: keyword, topic: Acme, query: x, minimum: 3}",
            "[0] (a).minimum: unknown key (allowed: kind, mails_a_day, name, ",
        ),
        ("- {name: a, kind: keyword, topic: Acme}", "[0] (a).query: Field required"),
        ("- {name: a, kind: digest, at: late}", "(a).at: 'late' is no time of day"),
        ("- {name: a, kind: digest, at: 2400}", "is no time of day"),
        ("- {name: a, kind: digest, topics: [Nope]}", "a.topics: no topic is named 'Nope'"),
        (
            "- {name: a, kind: author, topic: Acme, authors: ['two words']}",
            "(a).authors[0]: 'two words' is no account",
        ),
        (
            "- {name: a, kind: outlet, topic: Acme, outlets: [{domains: ['https://x.org/y']}]}",
            "'https://x.org/y' is no domain; write example.org",
        ),
        ("- {name: a, kind: competitor_move, topic: Alone}", "'Alone' is alone in the group"),
        ("- {name: a, kind: competitor_move, topic: Nope}", "no topic is named 'Nope'"),
        ("- {name: a, kind: source_outage, sources: [Nope]}", "(sources: none)"),
        ("- {name: a, kind: source_outage, after: 1s}", "(a).after"),
    ],
)
def test_says_what_is_wrong_with_a_rule(tmp_path: Path, alerts: str, says: str) -> None:
    """The problem names the rule, its key, and what is allowed."""
    assert says in problems(tmp_path, alerts)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("08:00", time(8)), ("8:05", time(8, 5)), (18 * 60 + 30, time(18, 30)), (time(7), time(7))],
)
def test_times_of_day_are_taken_as_people_write_them(written: Any, meant: time) -> None:
    """YAML reads an unquoted 18:30 as a number of minutes; it is meant all the same."""
    assert DigestRule(name="a", at=written).at == meant


@pytest.mark.parametrize("written", [True, -1, "24:00", "8", None])
def test_what_is_no_time_of_day_is_refused(written: Any) -> None:
    """Nothing else is taken for one."""
    with pytest.raises(ValidationError, match="is no time of day"):
        DigestRule(name="a", at=written)


def test_kinds_narrow_their_topic_by_queries_of_their_own() -> None:
    """What a kind watches is said in the query language, joined with the rule's own query."""
    author = AuthorRule(name="a", topic="Acme", authors=("@Mira", 'mastodon:https://x/"y'[:18]))
    assert author.watched_query.startswith('author_id:"Mira" OR author:"Mira" OR author_id:"mast')
    influencer = InfluencerRule(name="a", topic="Acme", query="lang:en", followers=500)
    assert influencer.watched_query == "(lang:en) AND (followers:[500 TO *])"
    assert KeywordRule(name="a", topic="Acme", query="recall").watched_query == "recall"


def test_the_best_tier_of_a_host_counts() -> None:
    """A subdomain belongs to its domain, another name that ends alike does not."""
    rule = OutletRule.model_validate(
        {
            "name": "a",
            "topic": "Acme",
            "outlets": [
                {"tier": 2, "domains": ["www.Daily.example"]},
                {"tier": 1, "domains": ["news.daily.example"]},
            ],
        }
    )
    assert rule.tier_of("news.daily.example") == 1
    assert rule.tier_of("blog.DAILY.example") == 2
    assert rule.tier_of("notdaily.example") is None
    assert rule.watched_query == 'domain:"daily.example" OR domain:"news.daily.example"'


def test_defaults_are_sensible() -> None:
    """A rule needs little more than its name and kind."""
    assert DigestRule(name="a").at == time(8)
    assert SourceOutageRule(name="a").after == timedelta(minutes=30)


def test_a_rule_may_name_sources_that_are_there(tmp_path: Path) -> None:
    """A source outage of one source is read as it is written."""
    (tmp_path / "sources.yml").write_text(
        "- {name: Daily, type: feed, url: 'https://daily.example/feed'}\n", encoding="utf-8"
    )
    (tmp_path / "alerts.yml").write_text(
        "- {name: a, kind: source_outage, sources: [Daily], after: 1h}\n", encoding="utf-8"
    )
    (rule,) = load_configuration(tmp_path, {}).alerts
    assert isinstance(rule, SourceOutageRule)
    assert (rule.sources, rule.after) == (("Daily",), timedelta(hours=1))
