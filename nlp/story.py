"""Stories: copies of one text share an id, so that they count once.

Two texts are copies when nothing but case, spacing, punctuation, accents of typography, links,
handles and a leading "RT" tells them apart.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
# Possessive: a long row of spaces is walked once, not once for each way to share it out.
_RETWEET = re.compile(
    r"^(?:\s*+(?:RT|MT|via)\b\s*+:?+\s*+@\w[\w.\-]*+(?:@[\w.\-]++)?+\s*+:?+)+", re.IGNORECASE
)
_HANDLE = re.compile(r"(?<![\w@])@\w[\w.\-]*(?:@[\w.\-]+)?")
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_PICTURES = "So"
# What tells an emoji that it is one; many senders leave it out.
_VARIATION = "\ufe0f"
_DIGEST_BYTES = 12
# Texts that agree in so much are copies.
_CHARACTERS = 100_000


def normalise_story(text: str) -> str:
    """Return what of ``text`` makes it the same story; empty when nothing is left.

    Letters, digits and pictures (emoji) stay, one space apart where anything else stood between.
    """
    text = without_addresses(text[:_CHARACTERS])
    if text.isascii():
        return _NOT_PLAIN.sub(" ", text.lower()).strip()
    folded = unicodedata.normalize("NFKC", text.replace(_VARIATION, "")).casefold()
    kept = (char if _is_kept(char) else " " for char in folded)
    return " ".join("".join(kept).split())


def without_addresses(text: str) -> str:
    """Return ``text`` without links, handles and a leading "RT @name:"."""
    return _HANDLE.sub(" ", _LINK.sub(" ", _RETWEET.sub(" ", text)))


def without_retweet(text: str) -> str:
    """Return ``text`` without a leading "RT @name:"."""
    return _RETWEET.sub("", text)


def is_passed_on(text: str) -> bool:
    """Return whether ``text`` says itself that it is another's: it begins with "RT @name"."""
    return _RETWEET.match(text) is not None


def _is_kept(char: str) -> bool:
    """Whether a character is part of the text's content: letter, mark, number or picture."""
    return unicodedata.category(char)[0] in "LMN" or unicodedata.category(char) == _PICTURES


def story_id(text: str) -> str | None:
    """Return the id of the story that ``text`` tells; None for a text without content.

    A text of links and handles alone is its own story, told by those.
    """
    told = normalise_story(text) or " ".join(text[:_CHARACTERS].casefold().split())
    if not told:
        return None
    return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=_DIGEST_BYTES).hexdigest()
