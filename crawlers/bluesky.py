"""Bluesky: the public stream of posts (Jetstream), authors looked up for matching posts only."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from core.errors import FetchError
from core.identity import service_item_id
from core.mention import Author, Mention
from core.ports import PollStatus
from core.times import FUTURE_TOLERANCE, published_time
from crawlers.clocks import instant, microseconds
from crawlers.json_values import count, mapping, mappings, moment, parse_json, string
from crawlers.markup import absolute, one_line, plain
from crawlers.outcome import RateLimitedError
from crawlers.policy import Origin, open_socket, redacted
from crawlers.spider import SourceSpider, Visit

if TYPE_CHECKING:
    from datetime import datetime

    from core.settings import BlueskySource

SERVICE = "bluesky"
POSTS = "app.bsky.feed.post"
PROFILE_URL = "https://bsky.app/profile/"
HIDDEN_LABEL = "!no-unauthenticated"

OVERLAP_US = 5_000_000
"""Replayed twice at each connection: servers of one network are seconds apart."""

BATCH_EVENTS = 1_000
BATCH_SECONDS = 1.0
MAX_MESSAGE_BYTES = 1_000_000
LOOKUP = 25
"""Profiles that ``app.bsky.actor.getProfiles`` returns at most for one request."""

REMEMBERED_PROFILES = 20_000
PROFILE_KEPT = timedelta(hours=6)
CHECKPOINT_SECONDS = 60.0

ONCE_IDLE_SECONDS = 2.0
ONCE_SECONDS = 300.0
"""A single visit ends when it has caught up, hears nothing more, or took this long."""

MAX_RECONNECTS = 5
LONGEST_RECONNECT_SECONDS = 60.0


@dataclass
class Batch:
    """Events of the stream read together: posts, ids of deleted posts, the last time."""

    mentions: dict[str, Mention] = field(default_factory=dict)
    deleted: dict[str, None] = field(default_factory=dict)
    time_us: int = 0
    count: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, message: str | bytes, source: BlueskySource, now: datetime) -> None:
        """Take in one message of the stream; what is no post is passed over."""
        self.count += 1
        try:
            event = mapping(json.loads(message))
        except (ValueError, RecursionError):
            self.skipped["broken_event"] += 1
            return
        self.time_us = max(self.time_us, _time_us(event, now) or 0)
        commit = mapping(event.get("commit"))
        if event.get("kind") != "commit" or commit.get("collection") != POSTS:
            return
        post_id = service_item_id(SERVICE, post_uri(event))
        if commit.get("operation") == "delete":
            self.mentions.pop(post_id, None)
            self.deleted[post_id] = None
            return
        mention = mention_of(event, source, now)
        if mention is None:
            self.skipped["no_text"] += 1
        elif has_label(mapping(commit.get("record")).get("labels"), HIDDEN_LABEL):
            self.skipped["not_indexable"] += 1
        else:
            self.mentions[post_id] = mention


class BlueskySpider(SourceSpider):
    """Follows the stream. The cursor is the time of the last event whose posts are durable."""

    def own_urls(self, source: BlueskySource) -> tuple[str, ...]:
        """Return the stream's and the API's URL."""
        return (source.url, source.api_url)

    async def visit(self, visit: Visit) -> PollStatus:
        """Follow the stream until caught up (once), or until it breaks off too often."""
        listener = _Listener(visit)
        if visit.is_once:
            await listener.catch_up()
        else:
            await listener.follow()
        return PollStatus.OK


class _Listener:
    """One source's connection to the stream."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._source: BlueskySource = visit.source
        self._authors = _Authors(visit, self._source.api_url)
        # The first look is at once: that the stream answers is news after a start.
        self._checked_at = -math.inf

    async def catch_up(self) -> None:
        """Replay from the cursor to now; without a cursor there is nothing to replay."""
        started_us = microseconds(self._visit.now())
        deadline = time.monotonic() + ONCE_SECONDS
        async with await self._connect() as stream:
            while time.monotonic() < deadline:
                batch = await self._batch(stream, ONCE_IDLE_SECONDS)
                await self._deliver(batch)
                if not batch.count or batch.time_us >= started_us:
                    return

    async def follow(self) -> None:
        """Listen on and on; raise FetchError after several failures in a row."""
        failures = 0
        while True:
            try:
                async with await self._connect() as stream:
                    while True:
                        batch = await self._batch(stream, BATCH_SECONDS)
                        await self._deliver(batch)
                        failures = 0 if batch.count else failures
                        await self._checkpoint()
            except RateLimitedError:
                raise
            except (FetchError, ConnectionClosed) as err:
                failures += 1
                if failures > MAX_RECONNECTS:
                    raise FetchError(f"the stream breaks off: {err}") from err
            wait = min(2.0**failures, LONGEST_RECONNECT_SECONDS)
            await asyncio.sleep(wait * secrets.SystemRandom().uniform(0.5, 1.0))

    async def _connect(self) -> ClientConnection:
        cursor = await self._visit.cursor()
        asked: dict[str, Any] = {"wantedCollections": POSTS}
        time_us = count(cursor.get("time_us"))
        if time_us is not None:
            asked["cursor"] = max(0, time_us - OVERLAP_US)
        url = f"{self._source.url}?{urlencode(asked)}"
        policy = self._visit.context.policy
        seconds = policy.timeout.total_seconds()
        origin = Origin.of(url)
        allowed = origin if origin in self._visit.allowed else None
        connection = await open_socket(origin, allowed, seconds)
        try:
            stream = await connect(
                url,
                sock=connection,
                proxy=None,
                open_timeout=seconds,
                max_size=MAX_MESSAGE_BYTES,
                user_agent_header=policy.user_agent,
            )
        # A redirect is a ValueError: it is not followed out of the socket that was opened.
        except (InvalidHandshake, InvalidURI, OSError, EOFError, ValueError) as err:
            connection.close()
            raise FetchError(f"{redacted(url)} does not open a stream: {err}") from err
        self._visit.has_answer = True
        return stream

    async def _batch(self, stream: ClientConnection, idle_seconds: float) -> Batch:
        """Return the events of the next second, at most a thousand; none after being idle."""
        batch = Batch()
        now = self._visit.now()
        end = time.monotonic() + idle_seconds
        while batch.count < BATCH_EVENTS:
            try:
                async with asyncio.timeout(max(0.0, end - time.monotonic())):
                    message = await stream.recv()
            except TimeoutError:
                break
            except ConnectionClosed:
                if batch.count:
                    break
                if self._visit.is_once:
                    break
                raise
            if not batch.count:
                end = time.monotonic() + min(idle_seconds, BATCH_SECONDS)
            batch.add(message, self._source, now)
        return batch

    async def _deliver(self, batch: Batch) -> None:
        if not batch.count:
            return
        wanted = await self._visit.wanted(list(batch.mentions.values()))
        skipped = batch.skipped
        mentions = await self._authors.complete(wanted, skipped)
        cursor = {"time_us": batch.time_us} if batch.time_us else None
        await self._visit.deliver(mentions, cursor, tuple(batch.deleted), skipped)

    async def _checkpoint(self) -> None:
        if time.monotonic() - self._checked_at >= CHECKPOINT_SECONDS:
            self._checked_at = time.monotonic()
            await self._visit.checkpoint()


class _Authors:
    """Looks up handles and followers, because the stream carries only ids (DIDs)."""

    def __init__(self, visit: Visit, api_url: str) -> None:
        self._visit = visit
        self._api_url = api_url.rstrip("/")
        self._known: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()

    async def complete(self, mentions: list[Mention], skipped: Counter[str]) -> list[Mention]:
        """Return the mentions with what their authors' profiles say.

        Left out are authors who ask not to be shown outside of Bluesky. Raises FetchError when
        the profiles cannot be had: whether they may be shown is not known then.
        """
        wanted = dict.fromkeys(m.author.id for m in mentions if m.author is not None)
        await self._look_up([did for did in wanted if not self._is_known(did)])
        completed = []
        for mention in mentions:
            profile = self._known.get(mention.author.id if mention.author else "", (0.0, {}))[1]
            if has_label(profile, HIDDEN_LABEL):
                skipped["not_indexable"] += 1
            else:
                completed.append(_with_profile(mention, profile))
        while len(self._known) > REMEMBERED_PROFILES:
            self._known.popitem(last=False)
        return completed

    def _is_known(self, did: str) -> bool:
        known = self._known.get(did)
        return known is not None and time.monotonic() - known[0] < PROFILE_KEPT.total_seconds()

    async def _look_up(self, dids: list[str]) -> None:
        for start in range(0, len(dids), LOOKUP):
            asked = dids[start : start + LOOKUP]
            query = urlencode([("actors", did) for did in asked])
            url = f"{self._api_url}/xrpc/app.bsky.actor.getProfiles?{query}"
            try:
                response = await self._visit.fetch(url)
            except RateLimitedError:
                raise
            except FetchError as err:
                raise FetchError(f"the posts' authors cannot be looked up: {err}") from err
            found = {string(p.get("did")): p for p in _profiles(parse_json(response.body))}
            for did in asked:
                self._known[did] = (time.monotonic(), found.get(did, {}))
                self._known.move_to_end(did)


def _profiles(answer: object) -> list[dict[str, Any]]:
    return mappings(mapping(answer).get("profiles"))


def _with_profile(mention: Mention, profile: dict[str, Any]) -> Mention:
    if mention.author is None or not profile:
        return mention
    author = Author(
        service=SERVICE,
        id=mention.author.id,
        handle=string(profile.get("handle")) or None,
        name=one_line(string(profile.get("displayName"))) or None,
        url=mention.author.url,
        followers=count(profile.get("followersCount")),
    )
    return mention.model_copy(update={"author": author})


def has_label(holder: object, label: str) -> bool:
    """Return whether a post's own labels or a profile's labels hold ``label``.

    A post has ``{"values": [{"val": ...}]}``, a profile ``{"labels": [{"val": ...}]}``; a label
    that was taken back (``neg``) does not count.
    """
    found = mapping(holder)
    labels = mappings(found.get("values")) or mappings(found.get("labels"))
    return any(part.get("val") == label and part.get("neg") is not True for part in labels)


def _time_us(event: dict[str, Any], now: datetime) -> int | None:
    """Return when the stream sent ``event``, None where it does not say.

    A time ahead of us counts as ``now``: as a cursor it would pass over all that is between.
    """
    time_us = count(event.get("time_us"))
    if time_us is not None and time_us > microseconds(now + FUTURE_TOLERANCE):
        return microseconds(now)
    return time_us


def post_uri(event: dict[str, Any]) -> str:
    """Return the at:// URI that names the post of ``event`` everywhere."""
    commit = mapping(event.get("commit"))
    return f"at://{string(event.get('did'))}/{POSTS}/{string(commit.get('rkey'))}"


def mention_of(event: dict[str, Any], source: BlueskySource, now: datetime) -> Mention | None:
    """Return the mention of a post in the stream; None where it has no text or no author."""
    commit = mapping(event.get("commit"))
    record = mapping(commit.get("record"))
    did, rkey = string(event.get("did")), string(commit.get("rkey"))
    text = plain(string(record.get("text")))
    if not (did and rkey and text):
        return None
    time_us = _time_us(event, now) or microseconds(now)
    published = published_time(moment(record.get("createdAt")), instant(time_us), live=True)
    reply = mapping(record.get("reply"))
    is_edit = commit.get("operation") == "update"
    mention = Mention(
        id=service_item_id(SERVICE, post_uri(event)),
        service=SERVICE,
        channel=source.channel,
        url=f"{PROFILE_URL}{did}/post/{rkey}",
        text=text,
        published_at=published.at,
        published_estimated=published.is_estimated,
        backdated=published.is_backdated,
        author=Author(service=SERVICE, id=did, url=PROFILE_URL + did),
        parent_id=_reference(reply.get("parent")),
        root_id=_reference(reply.get("root")),
        quoted_id=_quoted(mapping(record.get("embed"))),
        links=tuple(dict.fromkeys(_links(record))),
        synthetic=source.synthetic,
        sources=(source.name,),
        collected_at=now.replace(microsecond=0),
    )
    return mention.with_version(microseconds(now), time_us if is_edit else 0)


def _reference(value: object) -> str | None:
    uri = string(mapping(value).get("uri"))
    return service_item_id(SERVICE, uri) if uri else None


def _quoted(embed: dict[str, Any]) -> str | None:
    record = mapping(embed.get("record"))
    return _reference(record) or _reference(record.get("record"))


def _links(record: dict[str, Any]) -> Iterable[str]:
    """Yield the addresses that a post links to; its text shows them shortened."""
    embed = mapping(record.get("embed"))
    features = (mappings(facet.get("features")) for facet in mappings(record.get("facets")))
    named = [
        *(feature for group in features for feature in group),
        *(mapping(holder.get("external")) for holder in (embed, mapping(embed.get("media")))),
    ]
    for part in named:
        address = absolute(string(part.get("uri")), "")
        if address is not None:
            yield address
