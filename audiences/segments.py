"""Who belongs to a segment: a rule over authors, applied to the mentions that a query selects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from core.mention import Author, Mention, Sentiment
from core.settings import Segment

KNOWN_SERVICES = {
    "bluesky": "https://bsky.app/profile/{}",
    "hackernews": "https://news.ycombinator.com/user?id={}",
}


@dataclass(frozen=True, slots=True)
class Member:
    """An author in a segment, with the mentions that put them there, newest first."""

    author: Author
    mentions: tuple[Mention, ...]

    @property
    def top(self) -> Mention:
        """The mention that stirred most; of equals, the newest."""
        return max(
            self.mentions, key=lambda one: (one.engagement.total or 0, one.published_at, one.id)
        )

    @property
    def last_at(self) -> datetime:
        """When the author last mentioned the topic."""
        return self.mentions[0].published_at

    @property
    def positive_count(self) -> int:
        """How many of the mentions are positive."""
        return sum(one.sentiment is Sentiment.POSITIVE for one in self.mentions)

    @property
    def profile_link(self) -> str | None:
        """The author's page, as delivered or as the service builds it."""
        delivered = web_link(self.author.url)
        pattern = KNOWN_SERVICES.get(self.author.service)
        if delivered or pattern is None:
            return delivered
        return pattern.format(quote(self.author.handle or self.author.id, safe=":"))


def web_link(url: str | None) -> str | None:
    """Return ``url`` if it is a web address, else None: a list is clicked through by hand."""
    return url if url is not None and url.startswith(("https://", "http://")) else None


def select_members(mentions: Iterable[Mention], segment: Segment) -> list[Member]:
    """Return the authors of ``mentions`` that ``segment`` selects, those with most reach first.

    Own accounts never belong. A bound on followers leaves out authors whose followers are unknown:
    unknown is not few. Of an author's handles and followers the newest known ones are taken.
    """
    by_author: dict[tuple[str, str], list[Mention]] = {}
    for mention in mentions:
        if mention.author is not None and not mention.is_own:
            key = (mention.author.service, mention.author.id)
            by_author.setdefault(key, []).append(mention)
    members = []
    for held in by_author.values():
        held.sort(key=lambda one: (one.published_at, one.id), reverse=True)
        member = Member(_newest(held), tuple(held))
        if len(held) >= segment.minimum_mentions and _is_within(member.author, segment):
            members.append(member)
    members.sort(key=lambda one: (-(one.author.followers or 0), one.author.service, one.author.id))
    return members


def _newest(mentions: list[Mention]) -> Author:
    authors = [one.author for one in mentions if one.author is not None]
    followers = next((one.followers for one in authors if one.followers is not None), None)
    handle = next((one.handle for one in authors if one.handle), None)
    return authors[0].model_copy(update={"followers": followers, "handle": handle})


def _is_within(author: Author, segment: Segment) -> bool:
    low, high = segment.followers.min, segment.followers.max
    if low is None and high is None:
        return True
    followers = author.followers
    if followers is None:
        return False
    return (low is None or followers >= low) and (high is None or followers <= high)
