"""Rules beyond spikes: each story once, sources that are out, digests and the all-clear."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from app.alerting import Outcome, RuleOutcome, evaluate_rules
from app.bootstrap import Application
from app.own_rules import all_rules, delete_own_rule, save_own_rule
from app.queries import Queries
from app.scope_reading import parse_scope
from core.errors import ConfigurationError, UsageError
from core.mention import Mention
from core.ports import Poll, PollStatus
from core.rules import RuleKind
from tests.fakes import crisis

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

ALERTS = """\
- name: Refunds
  kind: keyword
  topic: Acme
  query: refund
  mails_a_day: 3
- name: Big accounts
  kind: influencer
  topic: Acme
  followers: 50000
- name: Person seven
  kind: author
  topic: Acme
  authors: ["@p7@social.example"]
- name: Front pages
  kind: outlet
  topic: Acme
  outlets:
    - {tier: 1, domains: [daily.example.org]}
    - {tier: 2, domains: [weekly.example.org]}
- name: Feeds
  kind: source_outage
  after: 30m
"""
SOURCES = """\
- {name: Daily, type: feed, url: "https://daily.example.org/feed", every: 5m}
"""


class Home:
    """An application whose time, rules and mentions the test decides."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, crisis.NOW
        self.application: Application = crisis.open_home(folder, lambda: self.now)

    def evaluate(self, *names: str, **options: bool) -> dict[str, RuleOutcome]:
        """Return the outcomes by rule."""
        return {one.rule: one for one in evaluate_rules(self.application, names, **options)}

    def add(self, *mentions: Mention) -> None:
        """Let mentions become known now."""
        made = [mention.model_copy(update={"known_at": None}) for mention in mentions]
        self.application.index.apply(made, self.now)

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails written so far, in the order of their subjects."""
        files = sorted((self.application.home / "mail").glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]

    @property
    def subjects(self) -> list[str]:
        """What the mails are about, sorted."""
        return sorted(str(mail["Subject"]).strip() for mail in self.mails)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with six weeks of calm, to copy."""
    folder = crisis.write_home(tmp_path_factory.mktemp("filled"), alerts=ALERTS, sources=SOURCES)
    made = Home(folder)
    made.application.index.apply(crisis.ordinary(), crisis.NOW - timedelta(days=1))
    made.application.close()
    return folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Iterator[Home]:
    """Return a home of the test's own."""
    made = Home(Path(shutil.copytree(filled, tmp_path / "own")))
    yield made
    made.application.close()


def told(number: int, text: str, **author: object) -> Mention:
    """Return a mention of five minutes ago, its author as given."""
    made = crisis.mention(5_000_000 + number, crisis.NOW - 5 * MINUTE, text)
    assert made.author is not None
    return made.model_copy(update={"author": made.author.model_copy(update=author)})


def on_page(mention: Mention, url: str) -> Mention:
    """Return the mention as if a site had published it."""
    return mention.model_copy(update={"url": url})


def body(mail: EmailMessage) -> str:
    """Return the text part."""
    part = mail.get_body(("plain",))
    assert part is not None
    text: str = part.get_content()
    return text


def test_ten_thousand_copies_of_a_bot_are_one_mail(home: Home) -> None:
    """A text that a bot posts again and again is told once, whoever it is told by."""
    text = "acme refund now, click here"
    home.add(*[told(number, text) for number in range(10_000)])
    assert home.evaluate("Refunds")["Refunds"].outcome is Outcome.TOLD
    home.now += MINUTE
    home.add(*[told(number, text) for number in range(10_000, 10_050)])
    assert home.evaluate("Refunds")["Refunds"].outcome is Outcome.QUIET
    assert len(home.mails) == 1


def test_what_repeats_a_story_is_told_where_its_first_telling_is_not_asked_for(home: Home) -> None:
    """A big account that shares what a small one wrote is told, and so is a copy with the word."""
    text = "acme kettles leak, says a buyer in the north"
    first = told(1, text, handle="p1@social.example", followers=10)
    home.add(first)
    home.evaluate()
    assert not home.mails
    assert first.enrichment is not None
    repeated = {"story_id": first.enrichment.story_id, "is_copy": True}

    def copy(number: int, text: str, **author: object) -> Mention:
        made = told(number, text, **author)
        assert made.enrichment is not None
        return made.model_copy(update={"enrichment": made.enrichment.model_copy(update=repeated)})

    home.add(
        copy(2, text, handle="big@social.example", followers=120_000),
        copy(3, f"{text} refund", handle="p3@social.example", followers=10),
    )
    home.now += MINUTE
    outcomes = home.evaluate()
    told_by = {name for name, one in outcomes.items() if one.outcome is Outcome.TOLD}
    assert told_by == {"Big accounts", "Refunds"}
    home.add(copy(4, f"{text} refund", handle="huge@social.example", followers=900_000))
    home.now += MINUTE
    assert {one.outcome for one in home.evaluate().values()} == {Outcome.QUIET}


def test_each_story_is_told_once_and_its_link_opens_it(home: Home) -> None:
    """Stories that become known together are one mail, whose link opens exactly those."""
    home.add(told(1, "acme refund refused"), told(2, "acme refund was quick"))
    assert home.evaluate("Refunds")["Refunds"].outcome is Outcome.TOLD
    home.now += MINUTE
    assert home.evaluate("Refunds")["Refunds"].outcome is Outcome.QUIET
    (mail,) = home.mails
    text = body(mail)
    assert '2 new mentions of Acme match "Refunds".' in text
    link = [line for line in text.splitlines() if "/mentions?" in line][-1]
    scope, problems = parse_scope(
        parse_qs(urlsplit(link).query), home.application.configuration, home.now
    )
    assert not problems
    assert Queries(home.application).count(scope) == 2
    assert "See the 2 mentions" in text


def test_above_the_cap_nothing_is_mailed_until_midnight(home: Home) -> None:
    """The last mail of the day says so; what was held back is not told the next day."""
    for number in range(5):
        home.add(told(number, f"acme refund story number {number}"))
        home.evaluate("Refunds")
        home.now += MINUTE
    assert len(home.mails) == 3
    assert sum("last of 3 mails today" in body(mail) for mail in home.mails) == 1
    assert "2 more held back" in home.evaluate("Refunds")["Refunds"].message
    home.now = datetime(2026, 3, 6, 0, 30, tzinfo=UTC)
    assert home.evaluate("Refunds")["Refunds"].outcome is Outcome.QUIET
    home.add(crisis.mention(6_000_000, home.now - MINUTE, "acme refund of another day"))
    assert home.evaluate("Refunds")["Refunds"].outcome is Outcome.TOLD


def test_history_that_is_fetched_late_is_no_news(home: Home) -> None:
    """What was published days ago is not told, however new it is to us."""
    home.add(crisis.mention(7_000_000, crisis.NOW - timedelta(days=3), "acme refund long ago"))
    assert home.evaluate("Refunds")["Refunds"].outcome is Outcome.QUIET


def test_what_a_source_brings_late_is_told_as_late(home: Home) -> None:
    """A source that was down replays: its story is told, and how old it is."""
    home.add(crisis.mention(7_000_001, crisis.NOW - 5 * HOUR, "acme refund of the morning"))
    assert home.evaluate("Refunds")["Refunds"].outcome is Outcome.TOLD
    assert "published 5 hours ago and became known only now" in body(home.mails[0])


def test_influencers_authors_and_outlets_are_named(home: Home) -> None:
    """Each kind says who wrote or where it stands; a link to an outlet is no report of it."""
    home.add(
        told(1, "acme kettles are loud", handle="big@social.example", followers=120_000),
        told(2, "acme kettles are fine", handle="p7@social.example", followers=30),
        on_page(told(3, "acme opens a factory"), "https://www.daily.example.org/a"),
        told(4, "acme in the paper").model_copy(update={"links": ("https://daily.example.org/b",)}),
    )
    outcomes = home.evaluate()
    assert {name for name, one in outcomes.items() if one.outcome is Outcome.TOLD} == {
        "Big accounts",
        "Person seven",
        "Front pages",
    }
    assert home.subjects == [
        "@big@social.example (120,000 followers) wrote about Acme: acme kettles are loud",
        "@p7@social.example (30 followers) wrote about Acme: acme kettles are fine",
        "daily.example.org (tier 1) reports on Acme: acme opens a factory",
    ]


def test_dry_run_tells_nothing_and_says_what_it_would(home: Home) -> None:
    """Nothing is saved, so that the real round tells it."""
    home.add(told(1, "acme refund refused"))
    dry = home.evaluate("Refunds", dry_run=True)["Refunds"]
    assert dry.message.startswith("would tell:")
    assert not home.application.state.incidents()
    assert home.evaluate("Refunds")["Refunds"].outcome is Outcome.TOLD


# --- sources


def poll(home: Home, status: PollStatus, reason: str | None = None) -> None:
    """Let the feed answer now."""
    home.application.state.record_poll(Poll("Daily", home.now, status, reason=reason))


def rounds(home: Home, minutes: int, status: PollStatus) -> list[Outcome]:
    """Let so many minutes pass, a round and a poll each five, and return what came of them."""
    found = []
    for _ in range(minutes // 5):
        home.now += 5 * MINUTE
        poll(home, status, "HTTP 500")
        found.append(home.evaluate("Feeds")["Feeds"].outcome)
    return found


def test_a_source_that_fails_is_told_once_and_its_return_too(home: Home) -> None:
    """After half an hour of failures there is a mail, and one ten minutes after the last."""
    poll(home, PollStatus.OK)
    home.evaluate("Feeds")
    outcomes = rounds(home, 60, PollStatus.ERROR)
    assert outcomes.index(Outcome.TOLD) == 5
    assert outcomes.count(Outcome.TOLD) == 1
    assert Outcome.TOLD not in rounds(home, 5, PollStatus.OK)
    assert Outcome.TOLD in rounds(home, 10, PollStatus.OK)
    assert home.subjects == ["All sources answer again.", "Daily brings nothing"]
    texts = [body(mail) for mail in home.mails]
    assert any("HTTP 500" in text and "https://listen.example/sources" in text for text in texts)


def test_a_machine_that_slept_blames_no_source(home: Home) -> None:
    """After eight hours of sleep every source has its time anew."""
    poll(home, PollStatus.OK)
    home.evaluate("Feeds")
    home.now += 8 * HOUR
    assert home.evaluate("Feeds")["Feeds"].outcome is Outcome.QUIET
    home.now += MINUTE
    poll(home, PollStatus.OK)
    assert home.evaluate("Feeds")["Feeds"].outcome is Outcome.QUIET
    assert not home.mails


def test_an_outage_is_not_over_because_the_machine_slept(home: Home) -> None:
    """A source that fails still after a night of sleep answers again when it does, not before."""
    poll(home, PollStatus.OK)
    home.evaluate("Feeds")
    rounds(home, 60, PollStatus.ERROR)
    home.now += 8 * HOUR
    assert home.evaluate("Feeds")["Feeds"].outcome is Outcome.OPEN
    rounds(home, 60, PollStatus.ERROR)
    assert home.subjects == ["Daily brings nothing"]
    rounds(home, 15, PollStatus.OK)
    assert home.subjects == ["All sources answer again.", "Daily brings nothing"]


def test_a_source_that_never_answered_is_told(home: Home) -> None:
    """Its address may be wrong from the beginning; the hour in which it was first asked passes."""
    assert home.evaluate("Feeds")["Feeds"].message == "no source was asked yet"
    rounds(home, 29, PollStatus.ERROR)
    assert home.mails == []
    rounds(home, 65, PollStatus.ERROR)
    assert home.subjects == ["Daily brings nothing"]


# --- rules made in the dashboard


def test_own_rules_stand_beside_the_provisioned_ones(home: Home) -> None:
    """One made in the dashboard rings as any other, and can be renamed and deleted."""
    application = home.application
    data = {"name": "Quick", "kind": "keyword", "topic": "Acme", "query": "quick"}
    save_own_rule(application, data)
    save_own_rule(application, {**data, "name": "Quick ones"}, replaces="Quick")
    own = [known.rule.name for known in all_rules(application) if not known.is_provisioned]
    assert own == ["Quick ones"]
    home.add(told(1, "acme refund was quick"))
    assert home.evaluate("Quick ones")["Quick ones"].outcome is Outcome.TOLD
    delete_own_rule(application, "Quick ones")
    assert all(known.is_provisioned for known in all_rules(application))
    with pytest.raises(UsageError, match="stands in alerts"):
        delete_own_rule(application, "Refunds")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"kind": "keyword", "topic": "Acme", "query": "refund", "name": "refunds"}, "another"),
        ({"kind": "keyword", "topic": "Acm", "query": "x", "name": "a"}, "no topic is named 'Acm'"),
        ({"kind": "keyword", "topic": "Acme", "query": "(x", "name": "a"}, "column 1"),
        ({"kind": "keyword", "topic": "Acme", "name": "a"}, "query"),
        ({"kind": "keywords", "name": "a"}, "kind"),
        (
            {"kind": "outlet", "topic": "Acme", "name": "a", "outlets": [{"domains": ["x"]}]},
            "no domain",
        ),
    ],
)
def test_an_own_rule_that_is_wrong_is_not_saved(
    home: Home, data: dict[str, object], says: str
) -> None:
    """Each mistake is named by its key, and nothing is kept."""
    with pytest.raises(ConfigurationError) as caught:
        save_own_rule(home.application, data)
    assert says in str(caught.value)
    assert all(known.is_provisioned for known in all_rules(home.application))


def test_a_rule_whose_topic_is_gone_says_so_and_rings_nobody(home: Home) -> None:
    """The others go on."""
    data = {"name": "Old", "kind": "volume_spike", "topic": "Gone"}
    home.application.state.save_own_rule("Old", data)
    home.add(told(1, "acme refund refused"))
    outcomes = home.evaluate()
    assert outcomes["Old"].outcome is Outcome.IDLE
    assert "no topic is named 'Gone'" in outcomes["Old"].message
    assert "rings nobody" in outcomes["Old"].message
    assert outcomes["Refunds"].outcome is Outcome.TOLD
    (state,) = [one for one in Queries(home.application).rules() if one.rule.name == "Old"]
    assert state.problem is not None
    assert not state.is_open


def test_a_rule_that_a_later_version_wrote_is_kept_with_its_problem(home: Home) -> None:
    """What cannot be read rings nobody, and stops nothing."""
    home.application.state.save_own_rule("New", {"name": "New", "kind": "telepathy"})
    outcomes = home.evaluate()
    assert outcomes["New"].outcome is Outcome.IDLE
    assert outcomes["Refunds"].outcome is Outcome.QUIET


def test_every_rule_says_how_it_stands(home: Home) -> None:
    """No kind leaves the page of rules without words."""
    states = Queries(home.application).rules()
    assert len(states) == 5
    assert all(state.words and state.watches and state.kind for state in states)
    assert {state.rule.kind for state in states} < set(RuleKind)
