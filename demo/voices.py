"""How people really type: voices, typing slips, stretched words, emoji."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from functools import cache

from demo.grammar import load_swaps

TYPO_RATE = 0.14
"""Share of social posts with a slip of the keyboard."""

_TEEN = {
    r"\byou\b": "u",
    r"\byour\b": "ur",
    r"\bplease\b": "pls",
    r"\bto be honest\b": "tbh",
    r"\bbecause\b": "bc",
    r"\btomorrow\b": "tmrw",
    r"\breally\b": "rly",
    r"\bdon't know\b": "idk",
    r"\bthough\b": "tho",
    r"\bpeople\b": "ppl",
    r"\band\b": "n",
}
_TEEN_PATTERNS = [(re.compile(pattern, re.IGNORECASE), short) for pattern, short in _TEEN.items()]
_TEEN_ENDS = ("", " 💀", " 😭", " lol", " fr", " im crying", " no bc why", " ...ok", " bye")
_ENGINEER_ENDS = (
    "",
    " (sample size: one)",
    " Edit: fixed the times.",
    " YMMV.",
    " /rant",
    " Repeatable, sadly.",
    " P99 problem, I guess.",
)
_FORMAL_STARTS = (
    "Dear Sir or Madam, ",
    "Good afternoon. ",
    "May I point out: ",
    "With respect: ",
    "As a customer of many years: ",
    "To the editor, so to speak. ",
    "Good day to you all. ",
    "If I may: ",
    "Forgive an old hand. ",
    "For what it is worth. ",
    "My late wife had a word for this. ",
    "Permit me a remark. ",
    "",
    "",
    "",
)
_FORMAL_ENDS = (" Yours faithfully, {}", " Kind regards, {}", " {}", " Mrs {}", " R. {}", "")
_CHATTY_MIDDLE = (" haha", " honestly", " I mean", " anyway", ", you know?", " hmm", " phew")
_STRETCH = re.compile(r"\b(so|no|why|please|never|late|love|nice|great|good|wow|again)\b")
_LOUD = re.compile(r"\b(never|nothing|nobody|again|lost|late|refund|still|every|days|worst|how)\b")
_SLIPPERY = re.compile(r"(?<![@#<\w/.])[a-z]{5,}(?![\w.]*example)\b")

SWAP_RATE = 0.3
"""Share of exchangeable words that are exchanged."""


@cache
def _swaps() -> tuple[re.Pattern[str], Mapping[str, tuple[str, ...]]]:
    swaps = load_swaps()
    longest_first = sorted(swaps, key=len, reverse=True)
    words = "|".join(re.escape(word) for word in longest_first)
    return re.compile(rf"(?<![\w#@'])(?:{words})(?![\w'])", re.IGNORECASE), swaps


def swap(text: str, rng: random.Random) -> str:
    """Return ``text`` with some of its words exchanged for others that say the same."""
    pattern, swaps = _swaps()

    def exchanged(match: re.Match[str]) -> str:
        word = match[0]
        if rng.random() > SWAP_RATE:
            return word
        other = rng.choice(swaps[word.lower()])
        return other[:1].upper() + other[1:] if word[0].isupper() else other

    return pattern.sub(exchanged, text)


def speak(text: str, voice: str, rng: random.Random, surname: str) -> str:
    """Return ``text`` as somebody of that voice would type it."""
    if voice == "terse":
        return _terse(text, rng)
    if voice == "rant":
        text = _LOUD.sub(lambda m: m[0].upper() if rng.random() < 0.5 else m[0], text)
        return text.replace(".", rng.choice(("!", "!!", ".", "!!!")))
    if voice == "teen":
        for pattern, short in _TEEN_PATTERNS:
            if rng.random() < 0.7:
                text = pattern.sub(short, text)
        return _lower(text).rstrip(".") + rng.choice(_TEEN_ENDS)
    if voice == "formal":
        return rng.choice(_FORMAL_STARTS) + text + rng.choice(_FORMAL_ENDS).format(surname)
    if voice == "engineer":
        return text + rng.choice(_ENGINEER_ENDS)
    if voice == "chatty" and (stop := text.find(". ")) > 0 and rng.random() < 0.6:
        return text[:stop] + rng.choice(_CHATTY_MIDDLE) + text[stop:]
    return text


def _terse(text: str, rng: random.Random) -> str:
    text = text.rstrip(".")
    if rng.random() < 0.6:
        text = _lower(text)
    return text.replace(", ", " ") if rng.random() < 0.4 else text


def _lower(text: str) -> str:
    """Lower the words; order numbers and links keep their case."""
    return " ".join(w if any(c.isdigit() for c in w) else w.lower() for w in text.split(" "))


def slip(text: str, rng: random.Random) -> str:
    """Return ``text`` with one or two typing slips in ordinary words."""
    for _ in range(rng.choice((1, 1, 2))):
        words = list(_SLIPPERY.finditer(text))
        if not words:
            return text
        word = rng.choice(words)
        text = text[: word.start()] + _mistype(word[0], rng) + text[word.end() :]
    return text


def _mistype(word: str, rng: random.Random) -> str:
    at = rng.randint(1, len(word) - 2)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    neighbours = {"a": "s", "e": "r", "i": "o", "o": "p", "n": "m", "t": "y", "r": "t", "s": "d"}
    return word[:at] + neighbours.get(word[at], word[at]) + word[at + 1 :]


def stretch(text: str, rng: random.Random) -> str:
    """Return ``text`` with its first stretchable word drawn out ("soooo")."""

    def drawn_out(match: re.Match[str]) -> str:
        word = match[0]
        vowel = max(word.rfind(v) for v in "aeiouy")
        return word[:vowel] + word[vowel] * rng.randint(3, 6) + word[vowel + 1 :]

    return _STRETCH.sub(drawn_out, text, count=1)
