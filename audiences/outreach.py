"""The outreach list: public accounts to write to by hand, one a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from audiences.files import Cell
from audiences.segments import Member, web_link
from core.source_policy import policy_of

COLUMNS = (
    "service",
    "handle",
    "name",
    "profile_link",
    "followers",
    "mentions",
    "positive_mentions",
    "last_mention_at",
    "top_post",
    "top_post_text",
    "synthetic",
)
EXCERPT = 200


@dataclass(frozen=True, slots=True)
class OutreachList:
    """The members that may leave the system, and how many may not, by service."""

    members: tuple[Member, ...]
    withheld: dict[str, int]

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        """Yield a row of ``COLUMNS`` for each member."""
        for member in self.members:
            author, top = member.author, member.top
            text = " ".join(f"{top.title or ''} {top.text}".split())
            yield (
                author.service,
                author.handle,
                author.name,
                member.profile_link,
                author.followers,
                len(member.mentions),
                member.positive_count,
                member.last_at.isoformat(),
                web_link(top.url),
                text if len(text) <= EXCERPT else text[: EXCERPT - 3] + "...",
                "yes" if any(one.synthetic for one in member.mentions) else "no",
            )


def outreach_list(members: Sequence[Member], agreed: Collection[str] = ()) -> OutreachList:
    """Return the list without accounts whose service does not allow it (``core.source_policy``)."""
    withheld: Counter[str] = Counter()
    kept = []
    for member in members:
        if policy_of(member.author.service, agreed).may_export:
            kept.append(member)
        else:
            withheld[member.author.service] += 1
    return OutreachList(tuple(kept), dict(withheld))
