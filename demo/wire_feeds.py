"""The demo's feeds as documents: RSS 2.0, RSS 1.0 (RDF), Atom and JSON Feed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from html import escape
from typing import Any

from demo.post import DemoPost
from demo.world import FeedSource

GENERATOR = "Groundswell demo (synthetic)"
SYNTHETIC = "synthetic"

CONTENT_TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "rdf": "application/rdf+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


def render_feed(feed: FeedSource, items: Sequence[str], self_url: str, updated: datetime) -> str:
    """Return the document of ``feed`` around ``items``, which ``render_item`` made."""
    head = {
        "title": escape(feed.title),
        "self": escape(self_url),
        "home": f"https://{feed.hosts[0]}/",
    }
    if feed.format == "rss":
        return _RSS.format(items="\n".join(items), built=format_datetime(updated), **head)
    if feed.format == "rdf":
        return _RDF.format(items="\n".join(items), date=_iso(updated), **head)
    if feed.format == "atom":
        return _ATOM.format(items="\n".join(items), date=_iso(updated), **head)
    front: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": head["home"],
        "feed_url": self_url,
        "description": GENERATOR,
    }
    return json.dumps(front, ensure_ascii=False)[:-1] + ', "items": [' + ",\n".join(items) + "]}"


def render_item(feed: FeedSource, post: DemoPost) -> str:
    """Return one entry in the format of ``feed``."""
    return _ITEMS[feed.format](post)


def to_html(text: str) -> str:
    """Return paragraphs of ``text`` as HTML."""
    return "".join(f"<p>{escape(part, quote=False)}</p>" for part in text.split("\n\n"))


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _rss_item(post: DemoPost) -> str:
    return (
        f"<item><title>{escape(post.title or '')}</title><link>{post.url}</link>"
        f'<guid isPermaLink="true">{post.url}</guid>'
        f"<dc:creator>{escape(post.author.name)}</dc:creator>"
        f"<pubDate>{format_datetime(post.published_at)}</pubDate>"
        f"<category>{SYNTHETIC}</category>"
        f"<content:encoded><![CDATA[{to_html(post.text)}]]></content:encoded></item>"
    )


def _rdf_item(post: DemoPost) -> str:
    return (
        f'<item rdf:about="{post.url}"><title>{escape(post.title or "")}</title>'
        f"<link>{post.url}</link><dc:creator>{escape(post.author.name)}</dc:creator>"
        f"<dc:date>{_iso(post.published_at)}</dc:date><dc:subject>{SYNTHETIC}</dc:subject>"
        f"<description>{escape(to_html(post.text))}</description></item>"
    )


def _atom_item(post: DemoPost) -> str:
    answer = f'<thr:in-reply-to ref="{post.parent_id}" href="{post.parent_id}"/>'
    return (
        f"<entry><id>{post.id}</id><title>{escape(post.title or '')}</title>"
        f'<link rel="alternate" href="{post.url}"/>'
        f"<author><name>{escape(post.author.handle)}</name><uri>{post.author.url}</uri></author>"
        f"<published>{_iso(post.published_at)}</published>"
        f"<updated>{_iso(post.published_at)}</updated>"
        f'<category term="{SYNTHETIC}"/>{answer if post.parent_id else ""}'
        f'<content type="html">{escape(to_html(post.text))}</content></entry>'
    )


def _json_item(post: DemoPost) -> str:
    item = {
        "id": post.id,
        "url": post.url,
        "title": post.title,
        "content_html": to_html(post.text),
        "date_published": _iso(post.published_at),
        "authors": [{"name": post.author.name, "url": post.author.url}],
        "tags": [SYNTHETIC],
        "language": post.language,
    }
    return json.dumps(item, ensure_ascii=False)


_ITEMS = {"rss": _rss_item, "rdf": _rdf_item, "atom": _atom_item, "json": _json_item}

_RSS = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title>{{title}}</title><link>{{home}}</link>
<atom:link href="{{self}}" rel="self" type="application/rss+xml"/>
<description>{GENERATOR}</description><generator>{GENERATOR}</generator>
<language>en</language><category>{SYNTHETIC}</category><lastBuildDate>{{built}}</lastBuildDate>
{{items}}
</channel></rss>"""

_RDF = f"""<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<channel rdf:about="{{self}}"><title>{{title}}</title><link>{{home}}</link>
<description>{GENERATOR}</description><dc:subject>{SYNTHETIC}</dc:subject>
<dc:date>{{date}}</dc:date></channel>
{{items}}
</rdf:RDF>"""

_ATOM = f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0">
<id>{{self}}</id><title>{{title}}</title><updated>{{date}}</updated>
<generator>{GENERATOR}</generator><category term="{SYNTHETIC}"/>
<link rel="self" href="{{self}}"/><link rel="alternate" href="{{home}}"/>
{{items}}
</feed>"""
