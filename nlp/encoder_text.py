"""How a text is written for the encoder: what its vocabulary knows, and nothing that is noise.

The vocabulary is uncased English without emoji. Addresses and handles become one word each, emoji
become their Unicode names, hashtags are cut into their words, and letters repeated for emphasis are
cut to two. Training and use share this module, so that a model never meets what it was not trained
on; a change of it raises ``TEXT_VERSION``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Final

from nlp.ngrams import undo_export

TEXT_VERSION: Final = 1
"""Part of a model's configuration: a model that was trained on other texts is refused."""

TEXT_CHARACTERS: Final = 2_000
"""Longer texts are cut: the encoder reads their first tokens alone, and the time stays bounded."""

LONGEST_EMOJI_RUN: Final = 3
"""Emoji in a row that are read; more of them say the same."""

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<!\w)@\w+")
_HASHTAG = re.compile(r"[#＃](\w+)")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d])(?=\d)|_+")
_ELONGATED = re.compile(r"([^\W\d_])\1{2,}")
_REPEATED_SIGN = re.compile(r"([!?.])\1{3,}")
_PICTURES = re.compile(
    "[\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff\u200d\ufe0f\U000e0020-\U000e007f]+"
)
_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "…": "..."})
_UNREADABLE = re.compile(
    "[\ud800-\udfff\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00]"
)


def write_for_encoder(text: str) -> str:
    """Return ``text`` as the encoder reads it: one line, bounded, never longer than needed."""
    text = undo_export(text[:TEXT_CHARACTERS])
    text = _URL.sub(" http ", text)
    if "@" in text:
        text = _HANDLE.sub(" @user ", text)
    if "#" in text or "＃" in text:
        text = _HASHTAG.sub(lambda match: f" # {_HUMP.sub(' ', match[1])} ", text)
    if not text.isascii():
        text = _UNREADABLE.sub("", text.translate(_QUOTES))
        text = _PICTURES.sub(_spell, text)
    text = _ELONGATED.sub(r"\1\1", text)
    text = _REPEATED_SIGN.sub(r"\1\1\1", text)
    return " ".join(text.split())


def _spell(match: re.Match[str]) -> str:
    """Return the names of the first pictures of a run; the same one after the other counts once."""
    names = [name for name, _ in groupby(filter(None, map(_name, match[0])))]
    return f" {' '.join(names[:LONGEST_EMOJI_RUN])} " if names else " "


@lru_cache(maxsize=8_192)
def _name(sign: str) -> str:
    """Return what a sign shows, in small letters; empty for joiners, tones and unnamed signs."""
    if "\U0001f3fb" <= sign <= "\U0001f3ff":
        return ""
    if "\U0001f1e6" <= sign <= "\U0001f1ff":
        return "flag"
    if sign in "\u200d\ufe0f" or sign >= "\U000e0000":
        return ""
    return unicodedata.name(sign, "").lower().replace("-", " ")
