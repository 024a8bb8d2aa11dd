"""Text to tokens, once and for all: indexes, queries and highlights all read this token stream.

What a token is:

- a run of letters, marks and digits, folded: compatibility forms (NFKC), case, and the accents of
  Latin and Greek letters go, so ``Café``, ``CAFE`` and ``cafe`` are one word. Accents of other
  scripts change the letter (й, が) and stay. Apostrophes, hyphens and underscores split;
- ``#hashtag``, ``@handle`` (also ``@user@host`` and ``@user.bsky.social``) and ``$CASHTAG`` whole;
- a URL's host without ``www.``; the rest of a URL is no text. A host without a scheme counts when
  it ends in a well-known top-level domain;
- an emoji with its skin tone and everything it is joined to; ``❤️`` and ``❤`` are one;
- in scripts written without spaces (Chinese, Japanese, Thai, ...; Korean too, whose particles are
  attached) overlapping pairs of characters, so that a phrase of pairs finds any part of a text.

A token holds no Unicode space and is cut after 100 characters, as the same word in a query is.
Every pattern consumes what it looks at or looks at a bounded number of characters, so the time
is linear in the text, whatever the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import regex

if TYPE_CHECKING:
    from tldextract import TLDExtract

MAX_TOKEN_CHARS = 100
"""Longest token; engines cut or refuse longer terms each in their own way."""

_MAX_RAW_CHARS = 1_000
"""Characters of one word that are folded at all: ordering a long row of marks is quadratic."""

_CACHED_CHARS = 40
"""Longer words are rarely met twice."""


class Token(NamedTuple):
    """One token: as searched, as written (case kept), and where it stands in the text.

    ``text[start:end]`` is what it was made from; neighbouring pairs of characters overlap.
    """

    folded: str
    cased: str
    start: int
    end: int


# Han, Kana, Hangul, Bopomofo; then Thai, Lao, Myanmar and Khmer.
_UNSPACED = (
    r"\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"
    r"\u3041-\u3096\u3099-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f"
    r"\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f"
    r"\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U0001b000-\U0001b16f\U00020000-\U0003fffd"
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"
)
# Numbers whose plain form is not made of digits alone: fractions, "(1)", "1.".
_NOT_PLAIN = r"\u00bc-\u00be\u2150-\u215f\u2189\u2474-\u249b\U0001f100-\U0001f10c"
# Invisible characters that writers and keyboards put inside words.
_GLUE = r"\u00ad\u200c\u200d\u2060\ufe00-\ufe0f\ufeff"
_MARKS = r"\p{Mn}\p{Mc}"
_START = rf"[\p{{L}}\p{{N}}--[{_NOT_PLAIN}{_UNSPACED}]]"
_INSIDE = rf"[\p{{L}}\p{{N}}{_MARKS}{_GLUE}--[{_NOT_PLAIN}{_UNSPACED}]]"
_TAG_START = rf"[\p{{L}}\p{{N}}--[{_NOT_PLAIN}]]"
_TAG_INSIDE = rf"[\p{{L}}\p{{N}}_{_MARKS}{_GLUE}--[{_NOT_PLAIN}]]"
_UNSPACED_START = rf"[\p{{L}}\p{{N}}&&[{_UNSPACED}]]"
_UNSPACED_INSIDE = rf"[{_MARKS}{_GLUE}[\p{{L}}\p{{N}}&&[{_UNSPACED}]]]"
_PICTURE = r"[\p{ExtPict}--[©®™‼⁉ℹ]][\ufe0e\ufe0f]?+\p{EMod}?+"
_PATH = r"[\x21\x23-\x3b\x3d\x3f-\x5a\x5f\x61-\x7a\x7e]*+"
# A dot between two sentences without a space must not make a host of them, so: the common ones.
_TOP_LEVEL = (
    r"(?:com|org|net|edu|gov|mil|info|biz|io|ai|app|dev|news|social|shop|store|blog|online|cloud"
    r"|tech|eu|uk|de|fr|nl|jp|cn|br|au|ru|ca|ch|pl)"
)
_BARE_HOST = rf"(?:[A-Za-z0-9][A-Za-z0-9-]{{0,62}}+\.){{1,6}}{_TOP_LEVEL}(?![\w-])"


def _grammar(start: str, inside: str, tag: tuple[str, str], host: str, others: str = "") -> str:
    """Return the pattern of all tokens, given the characters of words, hashtags and hosts.

    Most words end at a space: only the others are looked at as addresses.
    """
    return rf"""
      (?P<word>{start}{inside}*+(?![.:\-][\w/]))
    | (?P<hashtag>(?<!\w)[\#＃]_{{0,63}}+{tag[0]}{tag[1]}*+)
    | (?P<handle>(?<!\w)[@＠](?:
          [\w.\-]{{1,64}}+@(?:[A-Za-z0-9-]{{1,63}}+\.){{1,6}}[A-Za-z]{{2,24}}+(?![\w-])
        | (?:[a-z0-9_-]{{1,63}}+\.){{2,6}}[a-z]{{2,24}}+(?![\w-])
        | (?:[a-z0-9_-]{{1,63}}+\.){_TOP_LEVEL}(?![\w-])
        | _{{0,63}}+{tag[0]}{tag[1]}*+))
    | (?P<cashtag>(?<![\w$])\$[A-Za-z]{{1,6}}(?:\.[AB])?(?!\w))
    | (?P<url>(?i:https?|ftp)://[{host}.:@_%\[\]\-]++)(?:[/?\#]{_PATH})?+
    | (?P<host>{_BARE_HOST})(?:/{_PATH})?+
    {others}
    | (?P<rest>{start}{inside}*+)
    """


_TOKEN = regex.compile(
    r"(?P<keycap>[0-9\#*]\ufe0f?+\u20e3) |"
    + _grammar(
        _START,
        _INSIDE,
        (_TAG_START, _TAG_INSIDE),
        r"\p{L}\p{M}\p{N}",
        rf"""
        | (?P<emoji>\p{{RI}}{{2}}|{_PICTURE}[\U000e0020-\U000e007f]*+(?:\u200d{_PICTURE})*+)
        | (?P<unspaced>{_UNSPACED_START}{_UNSPACED_INSIDE}*+)
        """,
    ),
    regex.V1 | regex.VERBOSE,
)
# The same for texts of ASCII alone, which are many: a third of the time.
_ASCII_TOKEN = re.compile(
    _grammar("[A-Za-z0-9]", "[A-Za-z0-9]", ("[A-Za-z0-9]", "[A-Za-z0-9_]"), "A-Za-z0-9"),
    re.ASCII | re.VERBOSE,
)
# One written sign: a Hangul syllable of its parts, or a character with its marks.
_SIGN = regex.compile(
    rf"[\u1100-\u115f][\u1160-\u11ff]*+[{_MARKS}]*+"
    rf"|[\p{{L}}\p{{N}}][{_MARKS}{_GLUE}\uff9e\uff9f]*+",
    regex.V1,
)
_UNSPACED_ONLY = regex.compile(rf"{_UNSPACED_START}{_UNSPACED_INSIDE}*+", regex.V1)
_ACCENTED = regex.compile(r"(?<=[\p{Latin}\p{Greek}])[\u0300-\u036f]++")
_NO_WORD = regex.compile(rf"[^\p{{L}}\p{{N}}{_MARKS}]++|[{_GLUE}]++", regex.V1)
_NO_NAME = regex.compile(rf"[^\p{{L}}\p{{N}}{_MARKS}_\#@$.:\-]++|[{_GLUE}]++", regex.V1)
_VARIATION = regex.compile(r"[\ufe0e\ufe0f]++")
# Latin letters that hold their stroke without a mark to take off.
_STROKES = str.maketrans(
    {
        "Ł": "L", "ł": "l", "Ø": "O", "ø": "o", "Đ": "D", "đ": "d", "Ħ": "H", "ħ": "h",
        "Ŧ": "T", "ŧ": "t", "ı": "i", "Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe",
        "Ð": "D", "ð": "d", "Þ": "Th", "þ": "th", "ß": "ss", "ẞ": "SS",
    }
)  # fmt: skip
_PICTURES = frozenset({"emoji", "keycap"})
_HOSTS = frozenset({"url", "host"})


def tokenise(text: str) -> list[Token]:
    """Return the tokens of ``text`` in order. Linear in its length."""
    is_ascii = text.isascii()
    pattern = _ASCII_TOKEN if is_ascii else _TOKEN
    tokens: list[Token] = []
    for match in pattern.finditer(text):
        kind = match.lastgroup or "rest"  # one group always takes part
        if kind in {"word", "rest"}:
            raw = match.group()
            if len(raw) > _CACHED_CHARS:
                cased, folded = _fold(raw, _NO_WORD)
            elif is_ascii:
                cased, folded = raw, raw.lower()
            else:
                cased, folded = _word(raw)
            tokens.append(Token(folded, cased, *match.span()))
        elif kind == "unspaced":
            tokens.extend(_pairs(match.group(), match.start()))
        else:
            tokens.extend(_special(kind, match.group(kind), match.start(kind)))
    return tokens


def indexed_tokens(text: str) -> str:
    """Return the folded tokens joined by one space, for an index with a whitespace analyser."""
    return " ".join([token.folded for token in tokenise(text)])


def indexed_cased_tokens(text: str) -> str:
    """Return the tokens that keep their case, joined by one space; as many as folded ones."""
    return " ".join([token.cased for token in tokenise(text)])


def fold(text: str) -> str:
    """Return ``text`` as a folded value is written: no accents (Latin, Greek), no case."""
    if text.isascii():
        return text.lower()
    return _plain(_plain(text).casefold())


def _special(kind: str, raw: str, start: int) -> Iterator[Token]:
    """Yield the token of anything but a word, if something is left of it."""
    if kind in _PICTURES:
        cased = folded = _VARIATION.sub("", raw)[:MAX_TOKEN_CHARS]
    else:
        if kind in _HOSTS:
            raw, start = _host_of(raw, start)
        cased, folded = _fold(raw, _NO_NAME)
    if folded:
        yield Token(folded, cased, start, start + len(raw))


@lru_cache(maxsize=32_768)
def _word(raw: str) -> tuple[str, str]:
    """Return a word's cased and folded token."""
    return _fold(raw, _NO_WORD)


def _fold(raw: str, dropped: regex.Pattern[str]) -> tuple[str, str]:
    """Return the cased and folded token of ``raw`` without the characters of ``dropped``."""
    if raw.isascii():
        cased = raw[:MAX_TOKEN_CHARS]
        return cased, cased.lower()
    plain = _plain(raw[:_MAX_RAW_CHARS])
    folded = dropped.sub("", _plain(plain.casefold()))
    return dropped.sub("", plain)[:MAX_TOKEN_CHARS], folded[:MAX_TOKEN_CHARS]


def _plain(text: str) -> str:
    """Return ``text`` in compatibility form, without accents of Latin and Greek letters."""
    bare = _ACCENTED.sub("", unicodedata.normalize("NFKD", text)).translate(_STROKES)
    return unicodedata.normalize("NFKC", bare)


def _pairs(raw: str, offset: int) -> Iterator[Token]:
    """Yield overlapping pairs of signs; a sign that stands alone is a token of its own."""
    previous: tuple[str, str, int, int] | None = None
    count = 0
    for match in _SIGN.finditer(raw):
        cased, folded = _word(match.group()[:_CACHED_CHARS])
        start, end = offset + match.start(), offset + match.end()
        count += 1
        if previous is not None:
            yield Token(previous[1] + folded, previous[0] + cased, previous[2], end)
        previous = (cased, folded, start, end)
    if previous is not None and count == 1:
        yield Token(previous[1], previous[0], previous[2], previous[3])


def _host_of(raw: str, start: int) -> tuple[str, int]:
    """Return the host within a URL's beginning (or a bare host), and where it starts."""
    skipped = raw.find("://")
    skipped = 0 if skipped < 0 else skipped + 3
    skipped = max(skipped, raw.rfind("@") + 1)
    host = raw[skipped:]
    if host.startswith("["):
        host, skipped = host[1:].partition("]")[0], skipped + 1
    else:
        host = host.partition(":")[0]
    if host[:4].lower() == "www.":
        host, skipped = host[4:], skipped + 4
    return host.rstrip(".-"), start + skipped


def domains_of(urls: Iterable[str]) -> tuple[str, ...]:
    """Return the hosts of ``urls`` and their parent domains down to the registrable one.

    In order, each once, in lower case: ``https://news.example.co.uk/x`` gives
    ``news.example.co.uk`` and ``example.co.uk``. An address without a host gives nothing; an IP
    address gives itself.
    """
    found: dict[str, None] = {}
    for url in urls:
        for domain in _domains(_host(url)):
            found[domain] = None
    return tuple(found)


def _host(url: str) -> str:
    try:
        return (urlsplit(url.strip()).hostname or "").rstrip(".")
    except ValueError:  # unbalanced brackets of an IPv6 address: there is no host to name
        return ""


@lru_cache(maxsize=16_384)
def _domains(host: str) -> tuple[str, ...]:
    if not host:
        return ()
    host = _unicode_host(host).casefold()
    registrable = _suffixes()(host).top_domain_under_public_suffix
    if not registrable or not host.endswith(registrable):
        return (host,)
    labels = host.split(".")
    kept = len(labels) - registrable.count(".")
    return tuple(".".join(labels[start:]) for start in range(kept))


def _unicode_host(host: str) -> str:
    """Return a punycoded host as people write it; others, and broken ones, as they are."""
    if "xn--" not in host:
        return host
    try:
        return host.encode("ascii").decode("idna")
    except UnicodeError:
        return host


def is_unspaced(text: str) -> bool:
    """Return whether ``text`` is written without spaces, so that it is cut into pairs."""
    return _UNSPACED_ONLY.fullmatch(text) is not None


def is_lone_sign(text: str) -> bool:
    """Return whether ``text`` is one sign that stands in longer texts as a half of pairs."""
    return is_unspaced(text) and _SIGN.fullmatch(text) is not None


@cache
def _suffixes() -> TLDExtract:
    """Return the reader of the public suffix list that comes with the package; no network."""
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None)
