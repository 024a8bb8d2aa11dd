"""Rules that tell each story once: which mentions are news, and the incident that tells them.

An event is an incident that is over as soon as it is told. Pure: the same mentions, incidents and
time always lead to the same event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.incident import Evidence, Incident, Words
from alerts.plain import name_of, without_links
from core.mention import Mention
from core.rules import AuthorRule, InfluencerRule, InstantRule, OutletRule, TopicRule
from core.text import domains_of

FRESH = timedelta(hours=24)
"""What was published longer ago is no news, however late it became known."""

LATE = timedelta(minutes=30)
"""What became known so long after it was published is said to be late."""

LINKED = 20
"""Stories that a link names one by one; of more, it opens all that the rule watches."""

SHOWN = 5
EXCERPT = 70


@dataclass(frozen=True, slots=True)
class News:
    """Stories that are news now: the first mention of each, oldest first.

    ``held_back`` are those above the cap of mails a day, ``is_last_mail`` says that this one
    reaches it.
    """

    mentions: tuple[Mention, ...]
    held_back: int = 0
    is_last_mail: bool = False


def story_of(mention: Mention) -> str:
    """Return what a mention is a copy of; one without a story is its own."""
    return mention.story_id or mention.id


def find_news(
    candidates: Iterable[Mention],
    known: Sequence[Incident],
    now: datetime,
    *,
    mails_a_day: int,
    zone: str,
) -> News:
    """Return which of ``candidates`` are to be told, ``known`` being the rule's incidents.

    A story that was told is not told again, nor one that was published long ago. Days begin at
    midnight in ``zone``. What was held back on one day is not told on the next.
    """
    told = {story for incident in known for story in incident.stories}
    midnight = datetime.combine(now.astimezone(ZoneInfo(zone)).date(), time(), ZoneInfo(zone))
    yesterday = sum(
        midnight - timedelta(days=1) <= incident.opened_at < midnight for incident in known
    )
    today = sum(incident.opened_at >= midnight for incident in known)
    since = midnight if yesterday >= mails_a_day else midnight - FRESH
    first: dict[str, Mention] = {}
    for mention in sorted(candidates, key=lambda one: (one.published_at, one.id)):
        is_new = mention.published_at > now - FRESH and (mention.known_at or now) >= since
        if is_new and story_of(mention) not in told:
            first.setdefault(story_of(mention), mention)
    if today >= mails_a_day:
        return News((), len(first))
    return News(tuple(first.values()), 0, today + 1 >= mails_a_day)


def open_event(
    rule: TopicRule,
    mentions: Sequence[Mention],
    words: Words,
    now: datetime,
    *,
    query: str,
    stories: Sequence[str],
    total: int | None = None,
    since: datetime | None = None,
) -> Incident:
    """Return the incident that tells ``stories``, over at once; ``query`` finds its mentions.

    A story is told once for ever; what may come back has a ``since``, from when on it is told.
    """
    began = since or min(mention.published_at for mention in mentions)
    evidence = Evidence(
        window_start=began,
        window_end=now,
        started_at=began,
        observed=len(stories),
        words=words,
    )
    key = "\n".join((rule.name, "event", *sorted(stories), *([f"{since}"] if since else ())))
    return Incident(
        id=hashlib.blake2b(key.encode(), digest_size=10).hexdigest(),
        rule=rule.name,
        kind=rule.kind,
        topic=rule.topic,
        opened_at=now,
        updated_at=now,
        resolved_at=now,
        first=evidence,
        latest=evidence,
        peak_observed=len(stories),
        total=len(mentions) if total is None else total,
        told_total=len(mentions) if total is None else total,
        mention_ids=tuple(mention.id for mention in mentions[:SHOWN]),
        query=query,
        stories=tuple(stories),
    )


def ids_query(mentions: Sequence[Mention]) -> str:
    """Return the query that finds exactly these mentions."""
    return " OR ".join(f'id:"{mention.id}"' for mention in mentions)


def open_news(rule: InstantRule, news: News, now: datetime) -> Incident:
    """Return the event that tells what an instant rule found."""
    mentions = news.mentions
    is_listed = len(mentions) <= LINKED
    query = ids_query(mentions) if is_listed else rule.watched_query or "*:*"
    stories = [story_of(mention) for mention in mentions]
    # Those who matter most come first where not all are shown.
    ordered = sorted(mentions, key=lambda one: -(_followers(one) or 0))
    words = _words(rule, mentions, news, now)
    return open_event(rule, ordered, words, now, query=query, stories=stories)


def _words(rule: InstantRule, mentions: Sequence[Mention], news: News, now: datetime) -> Words:
    lead = headline(rule, mentions)
    story = []
    if len(mentions) > SHOWN:
        story.append(f"{SHOWN} of {len(mentions):,} stories are shown here.")
    late = max((now - one.published_at for one in mentions), default=timedelta())
    if late >= LATE:
        hours = late / timedelta(hours=1)
        age = f"{hours:.0f} hours" if hours >= 1.5 else f"{late // timedelta(minutes=1)} minutes"
        noun = "It was" if len(mentions) == 1 else "The oldest was"
        story.append(f"{noun} published {age} ago and became known only now.")
    if news.is_last_mail:
        story.append(
            f"This is the last of {rule.mails_a_day} mails today: what else comes until midnight "
            "stands in the dashboard alone."
        )
    why = (
        f'The rule "{rule.name}" tells every story about {rule.topic} that {_condition(rule)}, '
        f"once: copies of it are not told again. At most {rule.mails_a_day} mails a day."
    )
    subject = f"{lead.rstrip('.')}"
    if len(mentions) == 1:
        subject += f": {_excerpt(mentions[0])}"
    return Words(subject=subject, lead=lead, story=tuple(story), why=(why,))


def headline(rule: InstantRule, mentions: Sequence[Mention]) -> str:
    """Return in one sentence what happened: who wrote, or where it stands."""
    count, first = len(mentions), mentions[0]
    if isinstance(rule, OutletRule):
        host = host_of(first)
        tier = rule.tier_of(host)
        if count == 1:
            return f"{host} (tier {tier}) reports on {rule.topic}."
        hosts = len({host_of(one) for one in mentions})
        outlets = "one outlet" if hosts == 1 else f"{hosts} outlets"
        return f"{count:,} reports on {rule.topic} by {outlets} that you watch."
    if isinstance(rule, InfluencerRule | AuthorRule):
        names = list(dict.fromkeys(_name(one) for one in mentions))
        who = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        followers = _followers(first)
        if len(names) == 1 and followers is not None:
            who += f" ({followers:,} followers)"
        times = "" if count == 1 else f", {count:,} times"
        return f"{who} wrote about {rule.topic}{times}."
    noun = "mention of" if count == 1 else "mentions of"
    verb = "matches" if count == 1 else "match"
    return f'{count:,} new {noun} {rule.topic} {verb} "{rule.name}".'


def host_of(mention: Mention) -> str:
    """Return the host of a mention's page, as ``core.text`` writes domains; empty without one."""
    found = domains_of([mention.url]) if mention.url else ()
    return found[0].removeprefix("www.") if found else ""


def _condition(rule: InstantRule) -> str:
    if isinstance(rule, OutletRule):
        return "one of its outlets publishes"
    if isinstance(rule, InfluencerRule):
        return f"somebody with {rule.followers:,} followers or more writes"
    if isinstance(rule, AuthorRule):
        return "one of its authors writes"
    return f"matches {rule.query}"


def _name(mention: Mention) -> str:
    author = mention.author
    if author is None:
        return "Somebody"
    return name_of(author) or without_links(author.id)


def _followers(mention: Mention) -> int | None:
    return mention.author.followers if mention.author else None


def _excerpt(mention: Mention) -> str:
    text = without_links(" ".join((mention.title or mention.text).split()))
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1].rstrip() + "…"
