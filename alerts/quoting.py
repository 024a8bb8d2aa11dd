"""What a mail shows of others' words: a mention, and what grew. Nothing of it is a link or a call.

Pure.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from alerts.incident import Cause
from alerts.message import excerpt, one_line
from alerts.plain import name_of, without_links
from core.mention import Mention, Sentiment

NAME_CHARS = 60
VALUE_CHARS = 80

SENTIMENT_COLOURS = {
    Sentiment.NEGATIVE: "#c2410c",
    Sentiment.NEUTRAL: "#8b9aa3",
    Sentiment.POSITIVE: "#0b6b77",
    None: "#dde3e6",
}

OF_OURS = ("channel", "lang", "source")
"""Causes whose values no stranger wrote."""

CAUSE_LABELS = {
    "hashtag": "Hashtag",
    "entity": "Name",
    "phrase": "Phrase",
    "theme": "Theme",
    "link": "Link to",
    "channel": "Channel",
    "lang": "Language",
    "source": "Source",
    "story": "Copied text",
    "term": "Word",
}


def show_cause(cause: Cause, *, is_negative: bool) -> dict[str, str]:
    """Return what the templates show of one thing that grew."""
    expected = f"usual {cause.expected:.1f}" if cause.expected >= 0.05 else "usual none"
    noun = "negative mentions" if is_negative else "mentions"
    return {
        "label": CAUSE_LABELS.get(cause.field, cause.field),
        "value": (one_line if cause.field in OF_OURS else quoted)(cause.value)[:VALUE_CHARS],
        "numbers": f"{cause.count:,} {noun}, {expected}",
    }


def quoted(text: str) -> str:
    """Return a stranger's words on one line, without links."""
    return without_links(one_line(text))


def show_mention(mention: Mention, at: str, link: str | None) -> dict[str, str | None]:
    """Return what the templates show of a mention, published ``at``; ``link`` opens it with us."""
    author = mention.author
    parts = [_author(mention), mention.channel.value]
    if author and author.followers is not None:
        parts.append(f"{author.followers:,} followers")
    parts += [at, _host(mention.url)]
    return {
        "excerpt": without_links(
            excerpt(f"{mention.title}. {mention.text}" if mention.title else mention.text)
        ),
        "byline": " · ".join(part for part in parts if part),
        "url": link,
        "colour": SENTIMENT_COLOURS[mention.sentiment],
    }


def show_name(mention: Mention) -> str | None:
    """Return who wrote it, else on which host it stands, on one line; None where neither is."""
    return _author(mention) or _host(mention.url)


def _author(mention: Mention) -> str | None:
    author = mention.author
    return one_line(name_of(author))[:NAME_CHARS] or None if author else None


def _host(url: str | None) -> str | None:
    """Return the host of a web address; None for anything else."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None  # such as an unclosed bracket: a stranger wrote it
    # Browsers take a backslash for a slash: they would go to another host than this.
    is_web = parts.scheme in ("http", "https") and parts.hostname and "\\" not in parts.netloc
    return one_line(parts.hostname or "")[:NAME_CHARS] if is_web else None
