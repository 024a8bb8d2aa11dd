"""One mention as a card. Every text of strangers is escaped; nothing remote is loaded."""

from __future__ import annotations

from app.answers import MentionRow
from core.mention import Channel, Intent, Mention, Sentiment, TopicSpan
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
PASSAGE_CHARS = 240


def card(
    row: MentionRow,
    viewer: Viewer,
    *,
    towards: str | None = None,
    is_alone: bool = False,
    is_blind: bool = False,
) -> str:
    """Return the card's HTML; one that stands ``is_alone`` brings its own frame.

    Its sentiment is that towards the topic ``towards``, or that of the whole text; ``is_blind``
    leaves out every word on it.
    """
    mention = row.mention
    sentiment = None if is_blind else sentiment_shown(mention, towards)
    label = sentiment.value if sentiment else "unscored"
    pieces = [
        f'<article class="gw-card {label}{" alone" if is_alone else ""}">',
        _head(
            mention, viewer, "" if is_blind else _tone(mention) + sentiment_chip(mention, towards)
        ),
        _parent(row.parent) if mention.parent_id else "",
        _body(row),
        _foot(mention, is_blind=is_blind),
        "</article>",
    ]
    return "".join(pieces)


def sentiment_shown(mention: Mention, towards: str | None) -> Sentiment | None:
    """Return the sentiment towards a topic, or that of the whole text without one."""
    return mention.sentiment if towards is None else mention.sentiment_towards(towards)


def sentiment_chip(mention: Mention, towards: str | None = None) -> str:
    """Return the sentiment as a chip that says whose word it is, and towards what."""
    sentiment = sentiment_shown(mention, towards)
    if sentiment is None and mention.enrichment is not None and mention.enrichment.is_brief:
        title = "More comes in than can be read: tone and names follow"
        return f'<span class="gw-chip unscored" title="{title}">not read yet</span>'
    if sentiment is None:
        return '<span class="gw-chip unscored" title="Not scored">not scored</span>'
    value = sentiment.value
    if mention.overlay.said is not None:
        by = escape(mention.overlay.said.by)
        return f'<span class="gw-chip {value}" title="Set by {by}">{value} ✓</span>'
    span = _span(mention, towards)
    if span is not None:
        title = f"Towards {span.topic}; {_how_sure(span.confidence)}"
        return f'<span class="gw-chip {value}" title="{escape(title)}">{value}</span>'
    sure = mention.enrichment.sentiment_confidence if mention.enrichment else None
    return f'<span class="gw-chip {value}" title="{_how_sure(sure)}">{value}</span>'


def _how_sure(confidence: float | None) -> str:
    if confidence is None:
        return "The model's word"
    return f"The model is {confidence:.0%} sure"


def _span(mention: Mention, topic: str | None) -> TopicSpan | None:
    """Return what nlp found to be said towards a topic."""
    spans = mention.enrichment.topic_spans if mention.enrichment else ()
    return next((span for span in spans if span.topic == topic), None)


def _topic(mention: Mention, name: str, *, is_blind: bool) -> str:
    """Return a topic as a label: what is said towards it, and where, if nlp found it said."""
    span, shown = _span(mention, name), escape(name)
    if span is None or mention.overlay.said is not None or is_blind:
        return f'<span class="gw-topic">{shown}</span>'
    label = span.sentiment.value if span.sentiment else "unsure"
    passage = (mention.title or "" if span.in_title else mention.text)[span.start : span.end]
    title = f"{label} towards {name}, {span.confidence:.0%} sure: {excerpt(passage, PASSAGE_CHARS)}"
    more = f" <b>{label}</b>" if len(mention.matched_topics) > 1 else ""
    return f'<span class="gw-topic {label}" title="{escape(title)}">{shown}{more}</span>'


def _tone(mention: Mention) -> str:
    """Return emotion and offence as chips; what the model is not sure of has none."""
    found = mention.enrichment
    if found is None:
        return ""
    words = [found.emotion.value] if found.emotion else []
    words += ["offensive"] if found.is_offensive else []
    return "".join(f'<span class="gw-label">{word}</span>' for word in words)


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


def _foot(mention: Mention, *, is_blind: bool) -> str:
    parts = [_topic(mention, name, is_blind=is_blind) for name in mention.matched_topics]
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
