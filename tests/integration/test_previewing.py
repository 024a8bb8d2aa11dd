"""What rules of every kind would have told on stored history, each mail to be read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from app.alerting import chosen_rules, evaluate_rules
from app.previewing import Preview, preview, text_of
from core.errors import UsageError
from core.mention import Mention
from core.ports import Poll, PollStatus
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ALERTS = """\
- {name: Acme volume, kind: volume_spike, topic: Acme}
- {name: Acme negative, kind: negative_spike, topic: Acme}
- {name: Refunds, kind: keyword, topic: Acme, query: refund, mails_a_day: 3}
- {name: Big accounts, kind: influencer, topic: Acme, followers: 50000}
- {name: Front pages, kind: outlet, topic: Acme, outlets: [{tier: 1, domains: [daily.example.org]}]}
- {name: News, kind: new_trend, topic: Acme, minimum: 8}
- {name: Feeds, kind: source_outage, after: 1h}
- {name: Week, kind: digest, every: weekly}
- {name: Morning, kind: all_clear, at: "08:00"}
- {name: Canary, kind: self_test}
"""
SOURCES = """\
- {name: Daily, type: feed, url: "https://daily.example.org/feed", every: 5m}
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with six weeks of calm and an angry hour under one hashtag, to copy.

    All of it was imported just now: nothing was known while it happened.
    """
    folder = crisis.write_home(tmp_path_factory.mktemp("foretold"), alerts=ALERTS, sources=SOURCES)
    made = Home(folder)
    mentions = [*crisis.ordinary(), *crisis.crisis(60)]
    imported = [one.model_copy(update={"known_at": None}) for one in mentions]
    made.application.index.apply(imported, crisis.NOW)
    made.application.close()
    return folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Iterator[Home]:
    """Return a home of the test's own."""
    made = Home(Path(shutil.copytree(filled, tmp_path / "of-its-own")))
    yield made
    made.application.close()


def foretold(home: Home, name: str, days: int = 7) -> Preview:
    """Return the preview of the rule of that name."""
    home.application.index.refresh()
    (rule,) = chosen_rules(home.application, [name])
    return preview(home.application, rule, days * DAY)


def add(home: Home, *told: tuple[int, timedelta, str]) -> None:
    """Let mentions be there that were published so long ago."""
    made = [crisis.mention(7_000_000 + n, crisis.NOW - ago, text) for n, ago, text in told]
    home.application.index.apply(made, crisis.NOW)


def polled(home: Home, hours: Sequence[int], status: PollStatus) -> None:
    """Let the source be polled every five minutes in the hours that began so many hours ago."""
    for hour in hours:
        for minute in range(0, 60, 5):
            at = crisis.NOW - hour * HOUR + minute * MINUTE
            home.application.state.record_poll(Poll("Daily", at, status, reason="HTTP 503"))


@pytest.mark.parametrize("name", ["Acme volume", "Acme negative"])
def test_a_spike_is_read_as_the_mail_it_would_have_been(home: Home, name: str) -> None:
    """The mail says what was known at the first alert, not what came after it."""
    home.clock.now += 3 * HOUR
    (mail,) = foretold(home, name).mails
    text = text_of(mail.write())
    assert "Acme" in text.splitlines()[0]
    assert "refund" in text
    episode = mail.episode
    fired = sum(crisis.BEGAN + n * MINUTE < episode.first_alert for n in range(60))
    assert f"{fired} " in text
    assert "60 " not in text.split("What grew", 1)[0]


def test_a_foretold_mail_is_the_one_that_was_sent(home: Home) -> None:
    """Subject, sender and recipients are those that evaluating at that moment would have mailed."""
    (mail,) = foretold(home, "Acme volume").mails
    shown = mail.write()
    home.clock.now = mail.episode.first_alert
    home.application.index.refresh()
    evaluate_rules(home.application, ["Acme volume"])
    (sent,) = home.mailer.sent
    for header in ("From", "To"):
        assert str(shown[header]) == str(sent[header])
    assert shown["X-Groundswell-Preview"] == "yes"
    assert "X-Groundswell-Preview" not in sent
    assert home.application.state.incidents()


def test_previewing_leaves_nothing_behind(home: Home) -> None:
    """No incident is saved and nothing is queued, whatever is read."""
    for rule in home.application.configuration.alerts:
        if rule.name != "Canary":
            for mail in foretold(home, rule.name).mails[:2]:
                assert mail.write()["Subject"]
    assert home.application.state.incidents() == []
    assert home.application.outbox.deliver_due() == []
    assert home.mailer.sent == []


def test_a_keyword_rule_says_its_stories_and_what_the_cap_holds_back(home: Home) -> None:
    """Stories of one minute are one mail, a story is told once, and the cap ends the day."""
    add(
        home,
        (1, 50 * HOUR, "acme refund refused"),
        (2, 50 * HOUR - timedelta(seconds=20), "acme refund took weeks"),
        (3, 49 * HOUR, "acme refund refused"),
        (4, 48 * HOUR, "acme refund came late"),
    )
    found = foretold(home, "Refunds")
    assert [one.episode.observed for one in found.mails] == [2, 1, 1, 1, 1]
    assert "2 new mentions of Acme match" in text_of(found.mails[0].write())
    assert "acme refund came late" in text_of(found.mails[1].write())
    assert "the last of 3 mails today" in text_of(found.mails[-1].write())
    assert found.words == (
        "It would have told 6 stories, in 0.71 mails a day; 3 on 2026-03-05, the busiest.",
        "On 1 day it would have reached its cap of 3 mails, which holds back 57 stories.",
    )


def test_rules_about_accounts_and_outlets_are_previewed(home: Home) -> None:
    """Who wrote and where it stands in the mail; what nobody wrote is said in a sentence."""
    assert foretold(home, "Big accounts").words == ("It would have told no story.",)

    def told(number: int, **update: object) -> Mention:
        made = crisis.mention(8_000_000 + number, crisis.NOW - 5 * HOUR, f"acme, part {number}")
        return made.model_copy(update=update)

    author = told(0).author
    assert author is not None
    big = author.model_copy(update={"followers": 80_000})
    pages = ["https://daily.example.org/acme", "https://elsewhere.example.org/acme"]
    reports = [told(n, url=page) for n, page in enumerate(pages, start=1)]
    home.application.index.apply([told(0, author=big), *reports], crisis.NOW)
    (mail,) = foretold(home, "Big accounts").mails
    assert "80,000 followers" in mail.words
    (report,) = foretold(home, "Front pages").mails
    assert report.words.startswith("daily.example.org (tier 1) reports on Acme")


def test_too_much_to_read_is_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that matches more than anybody waits for names the number and the way out."""
    monkeypatch.setattr("app.previewing.LARGEST_READ", 20)
    with pytest.raises(UsageError, match=r"matches 60 mentions in 7 days.*fewer days"):
        foretold(home, "Refunds")


def test_new_trends_are_replayed_over_the_last_week(home: Home) -> None:
    """The hashtag of the angry hour is told once, at the look that first finds it."""
    home.clock.now += 2 * HOUR
    found = foretold(home, "News", days=90)
    assert found.length == 7 * DAY
    (mail,) = found.mails
    assert mail.words.startswith("Acme: ")
    assert crisis.BEGAN < mail.episode.first_alert <= crisis.BEGAN + 2 * HOUR
    assert "#refundnow" in text_of(mail.write())


def test_outages_are_found_from_the_polls_by_hour(home: Home) -> None:
    """Hours of failures are one outage; hours in which nobody asked are none."""
    assert foretold(home, "Feeds").words == ("No source was polled in this time.",)
    polled(home, range(40, 20, -1), PollStatus.OK)
    polled(home, range(20, 15, -1), PollStatus.ERROR)
    polled(home, range(15, 10, -1), PollStatus.OK)
    polled(home, range(4, 0, -1), PollStatus.OK)
    (mail,) = foretold(home, "Feeds").mails
    assert mail.episode.started_at == crisis.NOW - 20 * HOUR
    assert mail.episode.first_alert == crisis.NOW - 19 * HOUR
    assert mail.episode.last_alert == crisis.NOW - 15 * HOUR
    text = text_of(mail.write())
    assert text.startswith("Daily brings nothing")
    assert "of 12 polls in an hour 12 failed" in text


def test_letters_are_read_as_of_their_hour(home: Home) -> None:
    """A digest and each morning's all-clear are written as of when they were due."""
    (digest,) = foretold(home, "Week").mails
    text = text_of(digest.write())
    assert "The week's story" in text
    assert "refund" not in text
    mornings = foretold(home, "Morning").mails
    assert [one.episode.first_alert.hour for one in mornings] == [8] * 7
    assert "No source was asked." in text_of(mornings[-1].write())


def test_a_past_morning_names_no_self_test_of_today(home: Home) -> None:
    """Only the newest self-test is kept, so an older mail does not claim to know of one."""
    home.application.state.save(
        "|self-test-arrived", {"arrived_at": crisis.NOW.isoformat(), "seconds": 4.0}
    )
    morning = foretold(home, "Morning").mails[-1]
    assert "What the self-test said is not kept." in text_of(morning.write())


def test_a_self_test_has_no_preview_and_says_why(home: Home) -> None:
    """What history cannot answer is refused with the reason."""
    with pytest.raises(UsageError, match="only the newest is kept"):
        foretold(home, "Canary")


def test_a_rule_that_watches_nothing_has_no_preview(home: Home) -> None:
    """One made in the dashboard whose topic is gone, or that cannot be read, says what is wrong."""
    state = home.application.state
    state.save_own_rule("Old", {"name": "Old", "kind": "volume_spike", "topic": "Gone"})
    state.save_own_rule("Odd", {"name": "Odd", "kind": "of_tomorrow"})
    for name, reason in (("Old", "no topic is named"), ("Odd", "cannot be read")):
        with pytest.raises(UsageError, match=f"'{name}' watches nothing: .*{reason}"):
            foretold(home, name)


def test_a_rule_of_the_file_is_previewed_whatever_one_of_the_page_is_called(home: Home) -> None:
    """Of two with one name, that of alerts.yml watches."""
    name = home.application.configuration.alerts[0].name
    home.application.state.save_own_rule(
        name, {"name": name, "kind": "volume_spike", "topic": "Gone"}
    )
    assert foretold(home, name).is_compared
