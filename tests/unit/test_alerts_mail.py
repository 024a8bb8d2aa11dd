"""The e-mail about an incident: complete, honest, and safe whatever strangers write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.incident import Cause, Evidence, Incident, IncidentStep, Late, Unheard, Words
from alerts.mail import Action, MailFacts, compose, subject_of
from alerts.message import read_message
from charts.chart import Chart, Frame
from charts.volume import VolumePoint, volume_chart
from core.mention import Author, Channel, Mention, Sentiment
from core.rules import RuleKind
from core.settings import MailSettings
from core.window import TimeWindow

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
BASE = "https://listen.example"
MAIL = MailSettings(sender="Groundswell <groundswell@listen.example>")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
UNKNOWN: dict[str, object] = dict.fromkeys(("expected", "low", "high", "factor", "p"))
HOSTILE = (
    "line\r\nBcc: everyone@evil.example",
    "\u202egnp.exe\u202c\u2066x\u2069",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '"><a href="https://evil.example">click</a>',
    "x" * 4000,
    "NUL\x00 bell\x07 line\u2028para\u2029end",
    "{{ 7 * 7 }} {% raw %}",
)


def evidence(**changed: object) -> Evidence:
    """Return an hour with ten times the usual."""
    told: dict[str, object] = {
        "window_start": NOW - HOUR,
        "window_end": NOW,
        "started_at": NOW - 2 * HOUR,
        "observed": 61,
        "expected": 6.1,
        "low": 3,
        "high": 9,
        "factor": 10.0,
        "p": 2.5e-7,
        "reference_start": NOW - timedelta(weeks=8),
        "reference_end": NOW - 3 * HOUR,
        "coverage": 0.97,
    }
    return Evidence.model_validate(told | changed)


def incident(seen: Evidence | None = None, **changed: object) -> Incident:
    """Return an incident of two hours."""
    seen = seen or evidence()
    made = Incident(
        id="abc123",
        rule="Acme volume",
        kind=RuleKind.VOLUME_SPIKE,
        topic="Acme",
        opened_at=NOW,
        updated_at=NOW,
        first=seen,
        latest=seen,
        total=90,
        told_total=90,
        causes=(Cause(field="hashtag", value="latedelivery", count=44, expected=0.2),),
    )
    return made.model_copy(update=changed)


def mention(
    text: str = "acme parcel never came", url: str | None = None, number: int = 1
) -> Mention:
    """Return a negative post."""
    handle = "mira@social.example"
    return Mention(
        id=f"m{number}",
        version=(0, 1, "x"),
        channel=Channel.SOCIAL,
        text=text,
        url=url or "https://social.example/@mira/1",
        published_at=NOW - HOUR,
        author=Author(service="mastodon", id=handle, handle=handle, followers=1200),
    )


def chart() -> Chart:
    """Return a chart of three hours."""
    points = [
        VolumePoint(TimeWindow(NOW - n * HOUR, NOW - (n - 1) * HOUR), count, 6.0, 3, 9)
        for n, count in ((3, 5), (2, 29), (1, 61))
    ]
    return volume_chart(points, Frame(width=556, height=190))


def facts(
    about: Incident | None = None,
    step: IncidentStep = IncidentStep.OPENED,
    mentions: Sequence[Mention] | None = None,
    **changed: object,
) -> MailFacts:
    """Return what a mail needs."""
    shown = [mention()] if mentions is None else mentions
    made = MailFacts(
        incident=about or incident(),
        step=step,
        mentions=shown,
        link=f"{BASE}/mentions?topic=Acme",
        count=90,
        zone="UTC",
        mention_links={one.id: f"{BASE}/mentions?q=id:{one.id}" for one in shown},
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def text_of(message: EmailMessage) -> str:
    """Return the text part with its line ends as written."""
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(message: EmailMessage) -> str:
    """Return the HTML part."""
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


class Tags(HTMLParser):
    """Collects tags, links and pictures of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        told = dict(attrs)
        assert not any(name.startswith("on") for name in told)
        if "href" in told:
            self.links.append(told["href"] or "")
        if tag == "img":
            self.pictures.append(told)


def test_headers_of_a_fixed_form_are_not_folded() -> None:
    """Mail programs take an encoded word for no address and no id (RFC 2047, 5)."""
    sender = f"Groundswell <groundswell@{'a-long-name.' * 6}example>"
    message = compose(facts(step=IncidentStep.DOUBLED), MailSettings(sender=sender), [])
    message["List-Unsubscribe"] = f"<{BASE}/act?t={'x' * 160}>"
    for made in (message, read_message(bytes(message))):
        lines = bytes(made).split(b"\n")
        for name in ("List-Unsubscribe", "In-Reply-To", "References"):
            (line,) = [one for one in lines if one.startswith(f"{name}: ".encode())]
            assert line == f"{name}: {message[name]}".encode()


def test_text_part_says_everything() -> None:
    """Who reads only the text gets what, since when, why, the mentions, the chart and the link."""
    text = text_of(compose(facts(chart=chart()), MAIL, ["press@listen.example"]))
    for wanted in (
        "Acme has 10.0 times the volume of a usual Thursday 15:00.",
        "90 mentions since 13:00.",
        "In the last 60 minutes: 61, usual 3-9.",
        "- Hashtag: latedelivery, 44 mentions, usual 0.2",
        '"acme parcel never came"',
        "@mira@social.example · social · 1,200 followers · 14:00 · social.example",
        f"{BASE}/mentions?q=id:m1",
        "most at",
        f"See the 90 mentions:\n{BASE}/mentions?topic=Acme",
        "expected 6.1 (usual 3-9), probability of so many by chance about 1 in 4,000,000.",
        "Compared with the same hours from 08 Jan 2026 to 05 Mar 2026.",
        "Sources answered 97 % of that time.",
        "All times are UTC.",
    ):
        assert wanted in text
    assert text.isprintable() or not re.search(r"[^\S\n ]", text)


@pytest.mark.parametrize(
    ("step", "about", "subject"),
    [
        (IncidentStep.OPENED, incident(), "Acme: 10.0 times the volume since 13:00"),
        (IncidentStep.DOUBLED, incident(), "growing: Acme: 10.0 times the volume since 13:00"),
        (
            IncidentStep.RESOLVED,
            incident(resolved_at=NOW + 2 * HOUR),
            "Acme: back to usual, 90 mentions since 13:00",
        ),
        (
            IncidentStep.OPENED,
            incident(evidence(scored=88), kind=RuleKind.NEGATIVE_SPIKE),
            "Acme: 61 of 88 mentions negative since 13:00",
        ),
        (
            IncidentStep.RESOLVED,
            incident(evidence(scored=88), kind=RuleKind.NEGATIVE_SPIKE, resolved_at=NOW + 2 * HOUR),
            "Acme: back to usual, 90 negative mentions since 13:00",
        ),
        (
            IncidentStep.OPENED,
            incident(evidence(**UNKNOWN, is_learning=True)),
            "Acme: 61 mentions in 60 minutes since 13:00",
        ),
    ],
)
def test_subject_says_what_happened(step: IncidentStep, about: Incident, subject: str) -> None:
    """Topic first, then what is unusual, for every step and kind."""
    assert subject_of(facts(about, step)) == subject


def test_doubled_and_resolved_answer_the_first_mail() -> None:
    """Later mails of an incident stand in the thread of its first."""
    first = compose(facts(), MAIL, [])
    for step in (IncidentStep.DOUBLED, IncidentStep.RESOLVED):
        later = compose(facts(incident(resolved_at=NOW), step), MAIL, [])
        assert later["In-Reply-To"] == later["References"] == first["Message-ID"]
        assert later["Message-ID"] != first["Message-ID"]
    assert "It has doubled since the last mail." in text_of(
        compose(facts(step=IncidentStep.DOUBLED), MAIL, [])
    )
    assert "It lasted 2 hours." in text_of(compose(facts(step=IncidentStep.RESOLVED), MAIL, []))


def test_learning_rule_says_so() -> None:
    """A rule without enough history claims no baseline, and says how far it is."""
    note = "This rule is learning, day 3 of 14; until then from 12 mentions an hour."
    seen = evidence(**UNKNOWN, is_learning=True, note=note)
    text = text_of(compose(facts(incident(seen)), MAIL, []))
    assert note in text
    assert "while it is still learning what is usual" in text
    assert "probability" not in text
    assert "Compared with" not in text


def by(handle: str | None, minutes: int, name: str | None = None) -> Mention:
    """Return a post of somebody, some minutes after two o'clock."""
    author = Author(service="mastodon", id=handle or name or "-", handle=handle, name=name)
    at = NOW - HOUR + timedelta(minutes=minutes)
    return mention(number=minutes).model_copy(update={"author": author, "published_at": at})


def test_first_mail_names_who_began_it() -> None:
    """In order and once each, with the time; a name that is an address becomes no link."""
    posts = [by("mira", 1), by(None, 2, "http://evil.example/pay"), by("mira", 3), by("tom", 4)]
    posts.append(by("www.evil.example/pay", 6))
    unnamed = mention(number=5, url="https://news.example/1").model_copy(update={"author": None})
    message = compose(facts(first=[*posts, unnamed]), MAIL, [])
    for part in (text_of(message), html_of(message)):
        assert (
            "First to post what grew: @mira (14:01), evil[.]example/pay (14:02), @tom (14:04), "
            "@www[.]evil[.]example/pay (14:06), news.example (14:00)."
        ) in part
    without = facts(incident(causes=()), first=[by("mira", 1)])
    assert "First to post: @mira (14:01)." in text_of(compose(without, MAIL, []))
    assert "First to post" not in text_of(compose(facts(), MAIL, []))


def test_synthetic_is_labelled_everywhere() -> None:
    """Made-up data says so in subject, text and HTML; real data does not."""
    message = compose(facts(is_synthetic=True), MAIL, [])
    assert message["Subject"].startswith("[synthetic] ")
    assert "SYNTHETIC DATA" in text_of(message)
    assert "synthetic data, made up for the demo" in html_of(message)
    assert "ynthetic" not in compose(facts(), MAIL, []).as_string()


def test_chart_is_inline_with_words_for_who_does_not_see_it() -> None:
    """The picture travels in the mail, is referred to by its id, and has an alternative text."""
    message = compose(facts(chart=chart()), MAIL, [])
    (picture,) = Tags(html_of(message)).pictures
    (part,) = [p for p in message.walk() if p.get_content_type() == "image/png"]
    assert picture["src"] == f"cid:{part['Content-ID'].strip('<>')}"
    assert part.get_content().startswith(b"\x89PNG")
    assert chart().alt_text == picture["alt"]
    assert not Tags(html_of(compose(facts(), MAIL, []))).pictures


def test_chart_that_cannot_be_drawn_costs_no_mail() -> None:
    """A broken picture is left out, together with its words."""
    broken = replace(chart(), spec={"width": 500, "mark": "nothing known"})
    message = compose(facts(chart=broken), MAIL, [])
    assert not Tags(html_of(message)).pictures
    assert "CHART" not in text_of(message)


def test_links_begin_with_the_public_address() -> None:
    """No link of a stranger's making stands in the mail, only the dashboard's."""
    message = compose(facts(mentions=[mention(url="https://evil.example/x")]), MAIL, [])
    links = Tags(html_of(message)).links
    assert links == [f"{BASE}/mentions?q=id:m1", f"{BASE}/mentions?topic=Acme"]
    assert "https://evil.example" not in text_of(message)
    assert "evil.example" in text_of(message)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://[::1",
        "data:text/html,x",
        "//evil",
        " \r\nX: y",
        "https://evil.example\\@good.example",
    ],
)
def test_odd_addresses_are_not_shown(url: str) -> None:
    """What is no web address names no host and breaks nothing."""
    message = compose(facts(mentions=[mention(url=url)]), MAIL, [])
    assert "1,200 followers · 14:00\n" in text_of(message)
    assert "javascript" not in message.as_string()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text: str) -> None:
    """Whatever strangers or settings hold, no header, tag, script or direction comes of it."""
    author = Author(service="web", id="x", name=text, handle=None)
    post = mention(text).model_copy(update={"author": author, "title": text})
    about = incident(
        topic=text,
        rule=text,
        causes=(Cause(field="entity", value=text, count=9, expected=0.0),),
    )
    message = compose(facts(about, mentions=[post]), MAIL, ["press@listen.example"])
    expected = Tags(html_of(compose(facts(), MAIL, []))).tags
    sent = message.as_bytes(policy=policy.SMTP)
    head = sent.partition(b"\r\n\r\n")[0]
    assert b"\r\nBcc:" not in head
    assert message["Bcc"] is None
    assert len(message["Subject"]) <= 120
    assert Tags(html_of(message)).tags == expected
    both = text_of(message) + html_of(message) + str(message["Subject"])
    assert not set(both) & set("\x00\x07\u202e\u2066\u2028\u2029")
    if "7 * 7" in text:
        assert "{{ 7 * 7 }} {% raw %}" in text_of(message)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text_makes_a_mail_that_parses(text: str, topic: str) -> None:
    """Random text in every place still makes one message with the same shape."""
    about = incident(topic=topic, causes=())
    message = compose(facts(about, mentions=[mention(text)]), MAIL, [])
    assert "\n" not in message["Subject"]
    assert len(Tags(html_of(message)).links) == 2


def test_long_words_are_cut_and_sentences_end_at_words() -> None:
    """An excerpt has a limit, keeps whole words, and shows most of a text without spaces."""
    words = text_of(compose(facts(mentions=[mention("word " * 100)]), MAIL, []))
    assert '"word word' in words
    assert 'word ..."' in words
    wall = text_of(compose(facts(mentions=[mention("a " + "y" * 900)]), MAIL, []))
    assert "y" * 200 in wall
    assert "y" * 230 not in wall


def test_same_facts_same_bytes() -> None:
    """Composing twice gives the same bytes and the same Message-ID, chart included."""
    first, second = (compose(facts(chart=chart()), MAIL, ["a@b.example"]) for _ in range(2))
    assert first.as_bytes() == second.as_bytes()
    assert first["Message-ID"] == "<abc123.opened@listen.example>"


def test_recipients_keep_their_names() -> None:
    """Names that are not ASCII arrive; without recipients the sender gets the mail."""
    named = compose(facts(), MAIL, ["Zoë Ünal <zoe@news.example>"])
    assert named["To"].addresses[0].display_name == "Zoë Ünal"
    assert compose(facts(), MAIL, [])["To"] == "groundswell@listen.example"
    assert named["Auto-Submitted"] == "auto-generated"


def test_times_are_of_the_installation() -> None:
    """Clock times follow the configured zone, with the day where it is another one."""
    berlin = text_of(compose(facts(zone="Europe/Berlin"), MAIL, []))
    assert "since 14:00" in berlin
    assert "All times are Europe/Berlin." in berlin
    old = evidence(started_at=NOW - timedelta(days=2))
    assert "since Tue 03 Mar 15:00" in text_of(compose(facts(incident(old)), MAIL, []))


def test_sentiment_colours_and_single_mention() -> None:
    """One mention is not called mentions, and an unscored one has a colour of its own."""
    text = text_of(compose(facts(count=1), MAIL, []))
    assert "See the 1 mention:" in text
    assert "#dde3e6" in html_of(compose(facts(), MAIL, []))
    assert mention().sentiment is not Sentiment.NEGATIVE


def test_what_its_reader_can_do_stands_in_both_parts() -> None:
    """Each action is a button and a line with its link, which says that it asks once more."""
    action = Action("I am on it", f"{BASE}/act?t=abc")
    message = compose(facts(actions=[action], others=2), MAIL, ["a@acme.example"])
    assert "I am on it (asks once more):\nhttps://listen.example/act?t=abc" in text_of(message)
    assert f"{BASE}/act?t=abc" in Tags(html_of(message)).links
    assert "2 others get it." in text_of(message)


def test_who_is_on_it_stands_in_both_parts() -> None:
    """A later mail says what people did since, and makes no markup of their names."""
    message = compose(facts(status="<b>Kim</b> is on it since 14:12."), MAIL, ["a@acme.example"])
    assert "<b>Kim</b> is on it since 14:12." in text_of(message)
    assert "&lt;b&gt;Kim&lt;/b&gt; is on it since 14:12." in html_of(message)


def test_rule_that_is_learning_states_no_usual_range() -> None:
    """What is not known is not told as nought."""
    young = incident(evidence(**UNKNOWN, is_learning=True))
    told = text_of(compose(facts(young), MAIL, ["a@acme.example"]))
    assert "0-0" not in told
    assert "None" not in told
    assert "still learning what is usual" in told


@pytest.mark.parametrize("kind", [RuleKind.VOLUME_SPIKE, RuleKind.NEGATIVE_SPIKE])
@pytest.mark.parametrize("step", IncidentStep)
def test_what_nobody_knows_is_not_told(kind: RuleKind, step: IncidentStep) -> None:
    """Without an expectation a mail says what was seen, and no number beside it."""
    vague = incident(evidence(**UNKNOWN, scored=88), kind=kind)
    told = text_of(compose(facts(vague, step), MAIL, ["a@acme.example"]))
    for word in ("None", "0-0", "expected", "probability", "times the volume"):
        assert word not in told
    assert "Observed 61 in 60 minutes up to 15:00.\n" in told


def test_an_incident_stored_with_noughts_reads_as_before() -> None:
    """Older versions stored nought for what they did not know."""
    old = evidence(is_learning=True, expected=0.0, low=0, high=0, factor=0.0, p=1.0)
    new = evidence(**UNKNOWN, is_learning=True)
    first, second = (text_of(compose(facts(incident(seen)), MAIL, [])) for seen in (old, new))
    assert first == second


def test_no_mail_program_makes_a_link_of_a_strangers_address() -> None:
    """An address in a text is written so that nothing can be clicked."""
    posts = [mention("log in at https://evil.example/login or www.evil.example now")]
    link = Cause(field="link", value="evil.example/login", count=9, expected=0)
    source = Cause(field="source", value="news.example", count=9, expected=0)
    about = incident(causes=(link, source))
    message = compose(facts(about, mentions=posts), MAIL, ["a@acme.example"])
    for part in (text_of(message), html_of(message)):
        assert "evil.example" not in part
        assert "evil[.]example/login" in part
        assert "news.example" in part


def test_less_than_one_mention_is_no_measure() -> None:
    """Where next to nothing is usual, the number of mentions says more than "514 times"."""
    told = facts(incident(evidence(observed=34, expected=0.066, low=0, high=0, factor=514.4)))
    assert subject_of(told) == "Acme: 34 mentions in 60 minutes since 13:00"
    text = text_of(compose(told, MAIL, ["press@listen.example"]))
    assert "Acme has 34 mentions in 60 minutes, more than a usual Thursday 15:00." in text
    assert "514" not in text


def test_a_mail_on_a_holiday_compares_with_sundays() -> None:
    """It says so, and names the holiday; on other days it says nothing of it."""
    told = text_of(compose(facts(incident(evidence(holiday="Christmas\nDay"))), MAIL, []))
    assert "Acme has 10.0 times the volume of a usual Sunday 15:00." in told
    assert "It is a holiday (Christmas Day): compared with Sundays." in told
    assert "holiday" not in text_of(compose(facts(), MAIL, []))


GAP = Unheard(source="Daily", start=NOW - 2 * HOUR, end=NOW - HOUR)
LATE = Late(due_at=NOW - 100 * MINUTE, last_at=NOW - HOUR, gaps=(GAP,))


def test_what_is_told_late_says_how_late_and_why() -> None:
    """In the subject briefly, in the story in full; what lasts is told as lasting."""
    late = facts(incident(evidence(late=LATE)))
    assert subject_of(late) == "Acme: 10.0 times the volume since 13:00, told 2 h late"
    text = text_of(compose(late, MAIL, []))
    assert "Acme has 10.0 times the volume of a usual Thursday 15:00." in text
    assert "Told 2 h late: the source Daily was down 13:00-14:00." in text
    assert "over" not in text
    resolved = facts(incident(evidence(late=LATE), resolved_at=NOW), IncidentStep.RESOLVED)
    assert "late" not in subject_of(resolved)
    assert "late" not in text_of(compose(resolved, MAIL, [])).replace("latedelivery", "")


def test_what_is_over_when_it_is_told_is_told_as_over() -> None:
    """From when to when, and in the past tense."""
    seen = evidence(late=LATE, window_end=NOW - HOUR, window_start=NOW - 2 * HOUR)
    over = incident(seen, resolved_at=NOW, updated_at=NOW - HOUR)
    assert subject_of(facts(over)) == (
        "Acme: 10.0 times the volume from 13:00 to 14:00, told 2 h late"
    )
    text = text_of(compose(facts(over), MAIL, []))
    assert "Acme had 10.0 times the volume of a usual Thursday 14:00." in text
    assert "Told 2 h late: the source Daily was down 13:00-14:00. It is over." in text
    assert "mentions from 13:00 to 14:00." in text
    assert "In the 60 minutes to 14:00: 61, usual 3-9." in text
    negative = over.model_copy(
        update={"kind": RuleKind.NEGATIVE_SPIKE, "latest": seen.model_copy(update={"scored": 90})}
    )
    text = text_of(compose(facts(negative), MAIL, []))
    assert "of what was said about Acme was negative" in text


def test_a_long_subject_still_says_that_it_is_late() -> None:
    """The topic is cut, not that."""
    about = incident(evidence(late=LATE, words=Words(subject="x" * 300, lead="y")))
    subject = subject_of(facts(about))
    assert len(subject) == 120
    assert subject.endswith("x, told 2 h late")
