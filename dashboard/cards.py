"""One mention as a card. Every text of strangers is escaped; nothing remote is loaded."""

from __future__ import annotations

from app.answers import MentionRow
from core.mention import Channel, Intent, Mention
from dashboard.session import Viewer
from dashboard.words import (
    ago,
    author_name,
    escape,
    exact,
    excerpt,
    highlighted,
    host_of,
    safe_href,
    short,
)

SYMBOLS = {
    Channel.NEWS: "newspaper",
    Channel.BLOG: "edit_note",
    Channel.FORUM: "forum",
    Channel.SOCIAL: "tag",
    Channel.REVIEW: "star",
    Channel.VIDEO: "play_circle",
}

SERVICES = {"hackernews": "Hacker News", "mastodon": "Mastodon", "bluesky": "Bluesky"}

PARENT_CHARS = 160
TITLE_CHARS = 200


def card(row: MentionRow, viewer: Viewer, *, is_alone: bool = False, is_blind: bool = False) -> str:
    """Return the card's HTML; one that stands ``is_alone`` brings its own frame.

    ``is_blind`` leaves out every word on its sentiment.
    """
    mention = row.mention
    label = mention.sentiment.value if mention.sentiment and not is_blind else "unscored"
    pieces = [
        f'<article class="gw-card {label}{" alone" if is_alone else ""}">',
        _head(mention, viewer, "" if is_blind else sentiment_chip(mention)),
        _parent(row.parent) if mention.parent_id else "",
        _body(row),
        _foot(mention),
        "</article>",
    ]
    return "".join(pieces)


def sentiment_chip(mention: Mention) -> str:
    """Return the sentiment as a chip that says whose word it is."""
    if mention.sentiment is None:
        return '<span class="gw-chip unscored" title="Not scored">not scored</span>'
    value = mention.sentiment.value
    if mention.overlay.sentiment is not None:
        by = escape(mention.overlay.sentiment.by)
        return f'<span class="gw-chip {value}" title="Set by {by}">{value} ✓</span>'
    sure = mention.enrichment.sentiment_confidence if mention.enrichment else None
    title = f"The model is {sure:.0%} sure" if sure is not None else "The model's word"
    return f'<span class="gw-chip {value}" title="{title}">{value}</span>'


def _intent_chip(mention: Mention) -> str:
    """Return what the author wants as a chip; nothing where that is nothing, or unknown."""
    intent = mention.enrichment.intent if mention.enrichment else None
    if intent is None or intent is Intent.OTHER:
        return ""
    return f'<span class="gw-label">{intent.value}</span>'


def symbol(name: str, title: str = "") -> str:
    """Return an icon of the font that Streamlit ships."""
    return f'<span class="gw-icon" role="img" aria-label="{escape(title)}">{name}</span>'


def _head(mention: Mention, viewer: Viewer, chip: str) -> str:
    service = SERVICES.get(mention.service, mention.channel.value.capitalize())
    where = symbol(SYMBOLS[mention.channel], mention.channel.value) + escape(service)
    title = f"{exact(mention.published_at, viewer.zone)}"
    if mention.published_estimated:
        title += " (time of collection; the source gave none)"
    labels = ""
    if mention.synthetic:
        labels += '<span class="gw-label">synthetic</span>'
    if mention.is_own:
        labels += '<span class="gw-label">own account</span>'
    if mention.is_irrelevant:
        labels += '<span class="gw-label">not us</span>'
    return (
        f'<header><span class="gw-who">{_author(mention)}</span>'
        f'<span class="gw-where">{where}</span>{labels}'
        f'<time title="{escape(title)}">{ago(mention.published_at, viewer.now, viewer.zone)}</time>'
        f"{_intent_chip(mention)}{chip}</header>"
    )


def _author(mention: Mention) -> str:
    author = mention.author
    if author is None:
        host = host_of(mention.url or "")
        return f"<b>{escape(host or 'unknown author')}</b>"
    name = escape(excerpt(author_name(author), 60))
    parts = [f"<b>{name}</b>"]
    if author.handle and author.handle != author_name(author):
        parts.append(f"<span>@{escape(excerpt(author.handle.lstrip('@'), 60))}</span>")
    if author.followers is not None:
        plural = "follower" if author.followers == 1 else "followers"
        parts.append(f"<span>{short(author.followers)} {plural}</span>")
    return " ".join(parts)


def _parent(parent: Mention | None) -> str:
    if parent is None:
        return '<p class="gw-parent">in reply to something not collected</p>'
    who = escape(author_name(parent.author)) if parent.author else "unknown author"
    text = escape(excerpt(parent.text or parent.title or "", PARENT_CHARS))
    return f'<p class="gw-parent"><b>{who}</b> {text}</p>'


def _body(row: MentionRow) -> str:
    mention = row.mention
    title = highlighted(mention.title or "", row.title_spans, TITLE_CHARS)
    heading = f"<h3>{title}</h3>" if title else ""
    return f"{heading}<p>{highlighted(mention.text, row.text_spans)}</p>"


def _foot(mention: Mention) -> str:
    parts = [f'<span class="gw-topic">{escape(name)}</span>' for name in mention.matched_topics]
    parts += [f'<span class="gw-tag">{escape(tag)}</span>' for tag in mention.overlay.tags]
    engagement = mention.engagement
    for icon, count, name in (
        ("favorite", engagement.reactions, "reactions"),
        ("chat_bubble", engagement.comments, "comments"),
        ("repeat", engagement.shares, "shares"),
        ("visibility", engagement.views, "views"),
    ):
        if count is not None:
            parts.append(
                f'<span title="{count:,} {name}">{symbol(icon, name)}{short(count)}</span>'
            )
    href = safe_href(mention.url)
    if href is not None:
        parts.append(
            f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer nofollow">'
            f"{escape(host_of(href))} {symbol('open_in_new', 'opens the original')}</a>"
        )
    return f"<footer>{''.join(parts)}</footer>" if parts else ""
