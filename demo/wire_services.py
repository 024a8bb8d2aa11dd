"""The demo's posts as Mastodon, Hacker News (Algolia) and Bluesky write them."""

from __future__ import annotations

import re
from datetime import datetime
from html import escape
from typing import Any

from demo.people import base32_of
from demo.post import DemoPost, Person

APPLICATION = "Groundswell demo (synthetic)"
NOTE = "Synthetic account of the Groundswell demo"
JOINED = "2022-11-06T00:00:00.000Z"
_TAG = re.compile(r"#(\w+)")

Json = dict[str, Any]


def _millis(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


# --- Mastodon ---------------------------------------------------------------------------------


def mastodon_status(post: DemoPost) -> Json:
    """Return ``post`` as a status entity."""
    home = post.author.home
    return {
        "id": post.id,
        "created_at": _millis(post.published_at),
        "in_reply_to_id": post.parent_id,
        "in_reply_to_account_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": post.language,
        "uri": f"https://{home}/users/{post.author.handle}/statuses/{post.id}",
        "url": post.url,
        "replies_count": post.reactions.replies or 0,
        "reblogs_count": post.reactions.shares or 0,
        "favourites_count": post.reactions.likes or 0,
        "edited_at": None,
        "content": mastodon_html(post.text, home),
        "reblog": None,
        "application": {"name": APPLICATION, "website": None},
        "account": _mastodon_account(post.author),
        "media_attachments": [
            {"id": f"{post.id}{n}", "type": "image", "url": url, "preview_url": url}
            for n, url in enumerate(post.media)
        ],
        "mentions": [],
        "tags": [{"name": tag, "url": f"https://{home}/tags/{tag}"} for tag in post.tags],
        "emojis": [],
        "card": None,
        "poll": None,
    }


def mastodon_html(text: str, home: str) -> str:
    """Return ``text`` in the markup that Mastodon serves: paragraphs, breaks, linked hashtags."""
    linked = _TAG.sub(
        lambda m: (
            f'<a href="https://{home}/tags/{m[1].lower()}" class="mention hashtag" '
            f'rel="tag">#<span>{m[1]}</span></a>'
        ),
        escape(text, quote=False),
    )
    paragraphs = linked.split("\n\n")
    return "".join(f"<p>{part.replace(chr(10), '<br />')}</p>" for part in paragraphs)


def _mastodon_account(person: Person) -> Json:
    return {
        "id": person.id,
        "username": person.handle,
        "acct": f"{person.handle}@{person.home}",
        "display_name": person.name,
        "locked": False,
        "bot": person.is_bot,
        "discoverable": True,
        "indexable": True,
        "group": False,
        "created_at": JOINED,
        "note": f"<p>{NOTE}</p>",
        "url": person.url,
        "uri": f"https://{person.home}/users/{person.handle}",
        "avatar": f"https://media.{person.home}/missing.png",
        "avatar_static": f"https://media.{person.home}/missing.png",
        "followers_count": person.followers or 0,
        "following_count": (person.followers or 0) // 2,
        "statuses_count": 400,
        "last_status_at": None,
        "emojis": [],
        "fields": [],
    }


# --- Hacker News ------------------------------------------------------------------------------


def hacker_news_hit(post: DemoPost, root: DemoPost | None) -> Json:
    """Return ``post`` as a hit of the Algolia search; ``root`` is a comment's story."""
    created = int(post.published_at.timestamp())
    kind = "comment" if root else "story"
    story_id = int(root.id if root else post.id)
    hit: Json = {
        "objectID": post.id,
        "author": post.author.handle,
        "created_at": post.published_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "created_at_i": created,
        "updated_at": post.published_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "story_id": story_id,
        "_tags": [kind, f"author_{post.author.handle}", f"story_{story_id}"],
        "_highlightResult": {},
    }
    if root:
        hit |= {
            "comment_text": escape(post.text, quote=False).replace("\n\n", "<p>"),
            "parent_id": int(post.parent_id or root.id),
            "story_title": root.title,
            "story_url": None,
            "points": None,
        }
    else:
        hit |= {
            "title": post.title,
            "url": f"https://engineering.example/{base32_of(post.id, 8)}",
            "points": post.reactions.likes,
            "num_comments": post.reactions.replies,
            "story_text": None,
            "children": [],
        }
    return hit


# --- Bluesky ----------------------------------------------------------------------------------


def jetstream_event(post: DemoPost, time_us: int) -> Json:
    """Return the commit that announces ``post`` on the Jetstream."""
    key = post.id.rsplit("/", 1)[-1]
    record: Json = {
        "$type": "app.bsky.feed.post",
        "createdAt": _millis(post.published_at),
        "langs": [post.language],
        "text": post.text,
        "labels": {
            "$type": "com.atproto.label.defs#selfLabels",
            "values": [{"val": "synthetic"}],
        },
    }
    if facets := tag_facets(post.text):
        record["facets"] = facets
    if post.parent_id and post.root_id:
        record["reply"] = {
            "parent": {"cid": make_cid(post.parent_id), "uri": post.parent_id},
            "root": {"cid": make_cid(post.root_id), "uri": post.root_id},
        }
    return {
        "did": post.author.id,
        "time_us": time_us,
        "kind": "commit",
        "commit": {
            "rev": key,
            "operation": "create",
            "collection": "app.bsky.feed.post",
            "rkey": key,
            "record": record,
            "cid": make_cid(post.id),
        },
    }


def identity_event(person: Person, time_us: int) -> Json:
    """Return an identity event, which a Jetstream sends whatever collections were asked for."""
    moment = datetime.fromtimestamp(time_us / 1e6).astimezone()
    return {
        "did": person.id,
        "time_us": time_us,
        "kind": "identity",
        "identity": {
            "did": person.id,
            "handle": person.handle,
            "seq": time_us % 10**9,
            "time": moment.isoformat(),
        },
    }


def tag_facets(text: str) -> list[Json]:
    """Return the facets of the hashtags in ``text``; their offsets count UTF-8 bytes."""
    facets = []
    for match in _TAG.finditer(text):
        start = len(text[: match.start()].encode())
        facets.append(
            {
                "$type": "app.bsky.richtext.facet",
                "features": [{"$type": "app.bsky.richtext.facet#tag", "tag": match[1]}],
                "index": {"byteStart": start, "byteEnd": start + len(match[0].encode())},
            }
        )
    return facets


def make_cid(uri: str) -> str:
    """Return the content id that stands for the record at ``uri``."""
    return "bafyrei" + base32_of(uri, 52)


def bluesky_profile(person: Person) -> Json:
    """Return ``person`` as a detailed profile view."""
    return {
        "did": person.id,
        "handle": person.handle,
        "displayName": person.name,
        "description": NOTE,
        "followersCount": person.followers or 0,
        "followsCount": (person.followers or 0) // 2,
        "postsCount": 120,
        "labels": [],
        "createdAt": JOINED,
        "indexedAt": JOINED,
    }
