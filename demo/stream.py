"""The demo's stream: a month in the life of three parcel carriers, and the minutes after now.

``generate`` is pure: the same ``now`` and ``seed`` give the same posts on every machine.
"""

from __future__ import annotations

import random
import re
from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta

from core.window import require_utc
from demo.grammar import Writer
from demo.people import Crowd, base32_of, build_person, make_person
from demo.post import DemoPost, Labels, Person, Reactions, Service
from demo.scribe import Draft, Scribe
from demo.timeline import TRICKLE, Calendar, Moment, plan
from demo.world import (
    BLOGS,
    BY_KEY,
    CAMPAIGN_TAG,
    FORUM,
    NEWS,
    OWN,
    REVIEWS,
    TRADE,
    WIRE,
    FeedSource,
)

BLUESKY_REACH = timedelta(hours=20)
"""How far back the Bluesky stream can be replayed; before that its share writes on Mastodon."""

HACKER_NEWS_BASE = 10**15
"""Far above every real item's number, so that no link opens a stranger's post."""

SPANISH_SHARE = 0.135
REPLY_SHARE = 0.24
OWN_REPLY_SHARE = 0.14
LONG_ARTICLE_SHARE = 0.3
RECENT_THREADS = 40
THREAD_AGE = timedelta(hours=36)

_CROWDS = {
    (Service.MASTODON, "en"): 1100,
    (Service.MASTODON, "es"): 190,
    (Service.BLUESKY, "en"): 160,
    (Service.BLUESKY, "es"): 30,
    (Service.HACKERNEWS, "en"): 120,
    (Service.FEED, "en"): 900,
}
_PLACES = ("mastodon", "forum", "review", "hackernews", "news", "blog")
_PLACE_WEIGHTS = (52, 17, 18, 3.6, 4.2, 1.6)
_EVENT_PLACE_WEIGHTS = (70, 14, 12, 0, 0, 0)
_MOODS = ("negative", "neutral", "positive")
_MOOD_WEIGHTS: dict[str | None, tuple[float, float, float]] = {
    None: (17, 44, 39),
    "strike": (88, 10, 2),
    "update": (90, 10, 0),
    "fee_day": (87, 8, 5),
    "campaign": (0, 0, 100),
}
_REVIEW_WEIGHTS = (22, 18, 60)
"""Who takes the trouble of a review mostly loved it, or did not."""

_HELP_HOMES = {
    Service.MASTODON: "kettle.example",
    Service.BLUESKY: "bsky.example",
    Service.FEED: "forum.example",
}
_TAG = re.compile(r"#(\w+)")
_TID_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_TID_CHARS = 13


def generate(now: datetime, seed: int = 7) -> list[DemoPost]:
    """Return the posts of the 30 days before ``now`` and of the half hour after, in order.

    Raises ValueError for a naive ``now``.
    """
    return _Stream(require_utc(now), seed).run()


def own_accounts() -> list[tuple[str, str]]:
    """Return the (service, author id) pairs of the own brand's accounts on social services.

    On Mastodon an account's id is its address, which is the same on every server.
    """
    mastodon, bluesky = (_help_desk(service) for service in (Service.MASTODON, Service.BLUESKY))
    return [
        (Service.MASTODON.value, f"https://{mastodon.home}/users/{mastodon.handle}"),
        (Service.BLUESKY.value, bluesky.id),
    ]


def _help_desk(service: Service) -> Person:
    return build_person(
        service,
        "pendrake_help",
        "Pendrake help desk",
        home=_HELP_HOMES[service],
        followers=8400,
    )


class _Stream:
    """One generation; holds the crowds, the open threads and the numbering."""

    def __init__(self, now: datetime, seed: int) -> None:
        self._rng = random.Random(seed)
        self._calendar = Calendar(now)
        self._end = now + TRICKLE
        writer = Writer(self._rng)
        self._scribe = Scribe(writer, self._rng)
        self._crowds = {
            (service, language): Crowd(
                [make_person(self._rng, writer, service, language) for _ in range(size)], self._rng
            )
            for (service, language), size in _CROWDS.items()
        }
        self._threads: dict[tuple[Service, str], deque[DemoPost]] = {}
        self._posts: list[DemoPost] = []
        self._serial = 0
        self._help = {service: _help_desk(service) for service in _HELP_HOMES}
        advertiser = build_person(
            Service.MASTODON,
            "parceldeals24",
            "Parcel Deals 24/7",
            home="tinker.example",
            followers=12,
        )
        self._bot = replace(advertiser, is_bot=True)

    def run(self) -> list[DemoPost]:
        wire: DemoPost | None = None
        for moment in plan(self._calendar, self._rng):
            if moment.event == "wire":
                wire = self._wire(moment, wire)
            elif moment.event == "bot":
                self._advertise(moment)
            elif moment.event in ("namesake_show", "namesake_river"):
                self._namesake(moment, moment.event)
            elif moment.event == "own_post":
                self._own_post(moment)
            else:
                self._write(moment)
        self._posts.sort(key=lambda post: (post.published_at, post.id))
        return self._posts

    # --- ordinary items -----------------------------------------------------------------------

    def _write(self, moment: Moment) -> None:
        rng = self._rng
        weights = _PLACE_WEIGHTS if moment.event in (None, "fee_day") else _EVENT_PLACE_WEIGHTS
        place = rng.choices(_PLACES, weights)[0]
        if place == "mastodon":
            self._social(moment, self._social_service(moment.at))
        elif place == "forum":
            self._social(moment, Service.FEED)
        elif place == "review":
            self._review(moment)
        elif place == "hackernews":
            self._hacker_news(moment)
        elif place == "news":
            self._article(moment)
        else:
            self._blog(moment)

    def _social_service(self, at: datetime) -> Service:
        recent = at >= self._calendar.now - BLUESKY_REACH
        return Service.BLUESKY if recent and self._rng.random() < 0.45 else Service.MASTODON

    def _mood(self, event: str | None) -> str:
        return self._rng.choices(_MOODS, _MOOD_WEIGHTS[event])[0]

    def _social(self, moment: Moment, service: Service) -> None:
        rng, scribe = self._rng, self._scribe
        thread = self._threads.setdefault((service, moment.brand), deque(maxlen=RECENT_THREADS))
        quiet = moment.event is None and rng.random() < REPLY_SHARE
        if quiet and (parent := self._parent(thread, moment.at)):
            self._reply(moment, parent, thread)
            return
        spanish = service is not Service.FEED and rng.random() < SPANISH_SHARE * 1.75
        person = self._crowds[service, "es" if spanish else "en"].pick()
        mood = self._mood(moment.event)
        event = moment.event
        if event == "fee_day" and (mood != "negative" or rng.random() < 0.1):
            event = None
        draft = scribe.post(moment.brand, person, service, mood, event)
        post = self._emit(moment, service, person, draft, mood)
        thread.append(post)
        if moment.brand == OWN and mood == "negative" and rng.random() < OWN_REPLY_SHARE:
            self._help_desk(post)

    def _parent(self, thread: deque[DemoPost], at: datetime) -> DemoPost | None:
        fresh = [post for post in thread if at - post.published_at < THREAD_AGE]
        return self._rng.choice(fresh) if fresh else None

    def _reply(self, moment: Moment, parent: DemoPost, thread: deque[DemoPost]) -> None:
        rng = self._rng
        answered = parent.parent_id is not None or parent.labels.sentiment == "negative"
        if answered and rng.random() < 0.12:
            person = parent.author
        else:
            person = self._crowds.get((parent.service, parent.language), self._english()).pick()
        draft, mood = self._scribe.reply(parent, person)
        post = self._emit(moment, parent.service, person, draft, mood, parent=parent)
        if rng.random() < 0.5:
            thread.append(post)

    def _english(self) -> Crowd:
        return self._crowds[Service.FEED, "en"]

    def _help_desk(self, parent: DemoPost) -> None:
        if parent.language != "en":
            return
        at = parent.published_at + timedelta(seconds=self._rng.randint(300, 5400))
        if at >= self._end:
            return
        person = self._help[parent.service]
        draft = self._scribe.own_reply(parent, person)
        moment = Moment(at, OWN)
        self._emit(moment, parent.service, person, draft, "neutral", parent=parent)

    def _review(self, moment: Moment) -> None:
        person = self._crowds[Service.FEED, "en"].pick()
        weights = _MOOD_WEIGHTS[moment.event] if moment.event else _REVIEW_WEIGHTS
        mood = self._rng.choices(_MOODS, weights)[0]
        event = moment.event if mood == "negative" else None
        draft = self._scribe.review(moment.brand, person, mood, event)
        self._emit(moment, Service.FEED, person, draft, mood, feed=REVIEWS)

    def _hacker_news(self, moment: Moment) -> None:
        rng = self._rng
        person = self._crowds[Service.HACKERNEWS, "en"].pick()
        threads = self._threads.setdefault((Service.HACKERNEWS, ""), deque(maxlen=4))
        if not threads or rng.random() < 0.16:
            draft = self._scribe.story(moment.brand, person)
            threads.append(self._emit(moment, Service.HACKERNEWS, person, draft, "neutral"))
            return
        draft = self._scribe.comment(moment.brand, person)
        parent = rng.choice(threads)
        self._emit(moment, Service.HACKERNEWS, person, draft, "neutral", parent=parent)

    def _article(self, moment: Moment) -> None:
        rng = self._rng
        feed = NEWS if rng.random() < 0.7 else TRADE
        is_long = rng.random() < LONG_ARTICLE_SHARE
        person = self._crowds[Service.FEED, "en"].pick()
        draft = self._scribe.article(
            moment.brand, person, rng.randint(13, 26) if is_long else rng.randint(1, 3)
        )
        self._emit(moment, Service.FEED, person, draft, "neutral", feed=feed)

    def _blog(self, moment: Moment) -> None:
        person = self._crowds[Service.FEED, "en"].pick()
        draft = self._scribe.blog(moment.brand, person)
        self._emit(moment, Service.FEED, person, draft, "neutral", feed=BLOGS)

    # --- decoys and own accounts --------------------------------------------------------------

    def _own_post(self, moment: Moment) -> None:
        service = self._social_service(moment.at)
        person = self._help[service]
        self._emit(moment, service, person, self._scribe.own_post(person), "neutral")

    def _namesake(self, moment: Moment, event: str) -> None:
        service = self._social_service(moment.at)
        person = self._crowds[service, "en"].pick()
        self._emit(moment, service, person, self._scribe.namesake(event, person), "neutral")

    def _advertise(self, moment: Moment) -> None:
        draft = self._scribe.advertisement()
        post = self._emit(moment, Service.MASTODON, self._bot, draft, "neutral")
        self._posts[-1] = replace(post, labels=replace(post.labels, copy_of="bot"))

    def _wire(self, moment: Moment, first: DemoPost | None) -> DemoPost:
        """Add one site's copy of the agency's story: most to the letter, some trimmed."""
        rng = self._rng
        if first is None:
            text = self._scribe.wire(moment.at.strftime("%A"))
            title, site = "Pendrake to buy 400 electric vans, close Fosse Lane", "wire.example"
        else:
            title, site = (
                first.title or "",
                _outlet(self._scribe.outlet_town(), len(self._posts), rng),
            )
            text = _vary(first.text, site, rng)
        editor = build_person(Service.FEED, site.partition(".")[0], "Newsdesk", home=site)
        draft = Draft(text, ("en:wire:1",), "parcel", "", title)
        post = self._emit(moment, Service.FEED, editor, draft, "neutral", feed=WIRE, site=site)
        if first is None:
            return post
        self._posts[-1] = replace(post, labels=replace(post.labels, copy_of=first.id))
        return first

    # --- putting an item on its service -------------------------------------------------------

    def _emit(
        self,
        moment: Moment,
        service: Service,
        person: Person,
        draft: Draft,
        mood: str,
        *,
        parent: DemoPost | None = None,
        feed: FeedSource | None = None,
        site: str | None = None,
    ) -> DemoPost:
        self._serial += 1
        text = draft.text
        tagged = service in (Service.MASTODON, Service.BLUESKY)
        if tagged and not person.is_bot and CAMPAIGN_TAG not in text.lower():
            text = self._scribe.hashtags(text, moment.brand)
        carrier = feed or (FORUM if service is Service.FEED else None)
        item_id, url = self._place(service, moment.at, person, carrier, site)
        post = DemoPost(
            service=service,
            id=item_id,
            url=url,
            author=person,
            text=text,
            language="en" if feed or service is Service.HACKERNEWS else person.language,
            published_at=moment.at,
            brand=moment.brand,
            labels=Labels(mood, moment.event, draft.skeletons, draft.item),
            title=draft.title or self._subject(carrier, draft, parent, moment.brand),
            feed=carrier.name if carrier else None,
            parent_id=parent.id if parent else None,
            root_id=(parent.root_id or parent.id) if parent else None,
            reactions=self._reactions(service, person, mood),
            media=self._media(service, person, draft),
            tags=tuple(dict.fromkeys(tag.lower() for tag in _TAG.findall(text))),
            is_own=person in self._help.values(),
        )
        self._posts.append(post)
        return post

    def _subject(
        self, feed: FeedSource | None, draft: Draft, parent: DemoPost | None, brand: str
    ) -> str | None:
        """Return a forum thread's subject: the first words, as people fill that field in."""
        if feed is not FORUM:
            return None
        if parent is not None:
            subject = parent.title or ""
            return subject if subject.startswith("Re: ") else f"Re: {subject}"
        subject = " ".join(draft.text.split()[: self._rng.randint(3, 7)]).rstrip(".,:;")
        name = BY_KEY[brand].name
        return subject if brand in subject.lower() else f"{name}: {subject}"

    def _place(
        self,
        service: Service,
        at: datetime,
        person: Person,
        feed: FeedSource | None,
        site: str | None,
    ) -> tuple[str, str]:
        serial = self._serial
        if service is Service.MASTODON:
            item_id = str((int(at.timestamp() * 1000) << 16) | (serial & 0xFFFF))
            return item_id, f"{person.url}/{item_id}"
        if service is Service.HACKERNEWS:
            number = str(HACKER_NEWS_BASE + int(at.timestamp()) * 10_000 + serial % 10_000)
            return number, f"https://news.example/item?id={number}"
        if service is Service.BLUESKY:
            key = make_tid(int(at.timestamp() * 1_000_000) + serial % 1_000_000, 1)
            return f"at://{person.id}/app.bsky.feed.post/{key}", f"{person.url}/post/{key}"
        if feed is None:
            raise ValueError("an item of a feed needs the feed that carries it")
        host = site or feed.hosts[serial % len(feed.hosts)]
        slug = base32_of(f"{at.isoformat()}{serial}", 8)
        url = f"https://{host}/{at:%Y/%m}/{slug}"
        return url, url

    def _reactions(self, service: Service, person: Person, mood: str) -> Reactions:
        rng = self._rng
        if service in (Service.FEED, Service.BLUESKY):
            return Reactions()
        if service is Service.HACKERNEWS:
            return Reactions(likes=int(rng.lognormvariate(2.2, 1.3)), replies=rng.randint(0, 40))
        reach = (person.followers or 0) ** 0.55 * (1.4 if mood == "negative" else 1.0)
        likes = int(rng.lognormvariate(0, 1) * reach * 0.25)
        return Reactions(likes, int(likes * rng.random() * 0.5), int(likes * rng.random() * 0.3))

    def _media(self, service: Service, person: Person, draft: Draft) -> tuple[str, ...]:
        if service is not Service.MASTODON or self._rng.random() > 0.08:
            return ()
        name = base32_of(person.id + draft.text, 16)
        return (f"https://media.{person.home}/{name}.jpg",)


def make_tid(microseconds: int, clock: int) -> str:
    """Return the sortable record key that Bluesky makes of a time and a clock number."""
    number = (microseconds << 10) | clock
    chars = []
    for _ in range(_TID_CHARS):
        number, digit = divmod(number, 32)
        chars.append(_TID_ALPHABET[digit])
    return "".join(reversed(chars))


_OUTLET_WORDS = ("herald", "gazette", "argus", "echo", "mercury", "recorder", "post", "star")


def _outlet(town: str, serial: int, rng: random.Random) -> str:
    return f"{town}{rng.choice(_OUTLET_WORDS)}{serial % 97}.example"


def _vary(text: str, site: str, rng: random.Random) -> str:
    """Return the agency's text as one site prints it: unchanged in three cases of four."""
    draw = rng.random()
    if draw < 0.75:
        return text
    if draw < 0.87:
        return text.rsplit(". ", 1)[0] + "."
    return f"({site.partition('.')[0].title()}) {text}"
