"""Who belongs to a segment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiences.segments import select_members, web_link
from core.mention import Author, Mention, Sentiment
from core.settings import Bounds, Segment
from tests.fakes import crisis

ALL = Segment(name="all")


def post(
    person: str,
    hours_ago: int = 1,
    followers: int | None = None,
    number: int = 0,
    **changed: object,
) -> Mention:
    """Return a mention by ``person``."""
    made = crisis.mention(number, crisis.NOW - timedelta(hours=hours_ago), "acme")
    author = Author(service="mastodon", id=person, handle=f"{person}_h", followers=followers)
    return made.model_copy(update={"author": author} | changed)


def test_members_have_their_mentions_newest_first() -> None:
    """An author is one member however often they spoke, the one with most reach first."""
    found = select_members([post("a", 3, 10, 1), post("b", 2, 500, 2), post("a", 1, 20, 3)], ALL)
    assert [(one.author.id, len(one.mentions)) for one in found] == [("b", 1), ("a", 2)]
    assert found[1].author.followers == 20
    assert found[1].last_at == crisis.NOW - timedelta(hours=1)


def test_newest_known_followers_and_handle_are_taken() -> None:
    """A delivery that does not say followers or handle does not forget them."""
    newer = post("a", 1, None, 1)
    nameless = Author(service="mastodon", id="a")
    (member,) = select_members(
        [newer.model_copy(update={"author": nameless}), post("a", 5, 70)], ALL
    )
    assert (member.author.followers, member.author.handle) == (70, "a_h")


def test_same_id_elsewhere_is_somebody_else() -> None:
    """Authors are told apart by service and id."""
    other = post("a").model_copy(update={"author": Author(service="bluesky", id="a")})
    assert len(select_members([post("a"), other], ALL)) == 2


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.none() | st.integers(0, 9), st.booleans())),
    st.none() | st.integers(0, 9),
    st.none() | st.integers(0, 9),
    st.integers(1, 3),
)
def test_members_keep_every_bound(
    rows: list[tuple[str, int | None, bool]], low: int | None, high: int | None, least: int
) -> None:
    """Own accounts never belong, unknown followers only where no bound asks, bounds hold."""
    if low is not None and high is not None and high < low:
        low, high = high, low
    segment = Segment(name="s", minimum_mentions=least, followers=Bounds(min=low, max=high))
    mentions = [
        post(person, 1, followers, number, is_own=is_own)
        for number, (person, followers, is_own) in enumerate(rows)
    ]
    found = select_members(mentions, segment)
    for member in found:
        assert len(member.mentions) >= least
        assert not any(one.is_own for one in member.mentions)
        followers = member.author.followers
        if low is not None or high is not None:
            assert followers is not None
            assert (low or 0) <= followers <= (9 if high is None else high)
    assert found == select_members(list(reversed(mentions)), segment)
    if low is None and high is None and least == 1:
        assert len(found) == len({row[0] for row in rows if not row[2]})


def test_mentions_without_author_select_nobody() -> None:
    """What nobody signed belongs to nobody."""
    assert select_members([post("a", author=None)], ALL) == []


def test_top_and_positive_mentions() -> None:
    """The mention that stirred most stands for the member; positive ones are counted."""
    quiet = crisis.mention(1, crisis.NOW, "acme", Sentiment.POSITIVE)
    loud = crisis.mention(91, crisis.NOW - timedelta(hours=2), "acme", Sentiment.NEGATIVE)
    (member,) = select_members([quiet, loud], ALL)
    assert quiet.engagement.reactions == 1
    assert member.top == loud
    assert member.positive_count == 1


@pytest.mark.parametrize(
    ("author", "link"),
    [
        (Author(service="mastodon", id="1", url="https://m.example/@a"), "https://m.example/@a"),
        (Author(service="mastodon", id="1", url="javascript:alert(1)"), None),
        (Author(service="mastodon", id="1"), None),
        (Author(service="bluesky", id="did:plc:1"), "https://bsky.app/profile/did:plc:1"),
        (
            Author(service="bluesky", id="did:plc:1", handle="a.example"),
            "https://bsky.app/profile/a.example",
        ),
        (
            Author(service="hackernews", id="a&b=c/d"),
            "https://news.ycombinator.com/user?id=a%26b%3Dc%2Fd",
        ),
    ],
)
def test_profile_link(author: Author, link: str | None) -> None:
    """A delivered web address, else the service's own, with nothing smuggled in; else none."""
    (member,) = select_members([post("a", author=author)], ALL)
    assert member.profile_link == link


def test_only_web_addresses_are_links() -> None:
    """A list is clicked through by hand."""
    assert web_link("http://a.example") == "http://a.example"
    assert web_link("file:///etc/passwd") is None
    assert web_link(None) is None
