"""Key phrases: the runs of one to three words in which a text says what it is about.

A run is what stands between stop words, punctuation and whatever is no word (links, handles,
hashtags, numbers, emoji), as in RAKE (Rose et al. 2010). RAKE weighs a run within its own text;
here many texts are counted together, so a run of up to three words is kept with its pairs and its
single words, in one form for singular and plural: texts that put a thing differently still meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

from core.errors import ModelError
from core.text import Token, is_unspaced, tokenise
from nlp.language import UNDETERMINED
from nlp.stop_words import FILLERS, NO_STOPS, WEAK

LANGUAGES: Final = ("de", "en", "es", "fr", "it", "pt")
"""Languages whose stop words are known; a text of another one gets no phrases."""

LIMIT: Final = 12
"""Phrases of one mention. In the demo's stream the median has nine and one in ten over 18; twelve
keep 69 % of all phrases, eight 55 %."""

CHARACTERS: Final = 10_000
"""Longer texts are cut: articles name their subject early."""

LONGEST_RUN: Final = 3
"""Of longer runs only the pairs and the words are kept: no two writers agree in more."""

TITLE_BONUS: Final = 2
"""The first line counts as often again: of an article it is the title."""

_SHORTEST = 3
"""Shorter words stand in a phrase, not alone."""

_WEIGHTS = (0, 3, 4, 2)
"""Of a phrase by its number of words: pairs say most, and triples are seldom repeated."""

_JOINTS = " -"
"""What may stand between two words of a phrase."""

_IRREGULAR: Final = {
    "caches": "cache",
    "calories": "calorie",
    "cookies": "cookie",
    "headaches": "headache",
    "movies": "movie",
    "selfies": "selfie",
}
_NO_PLURALS: Final = frozenset(
    {"canvas", "christmas", "gas", "lens", "mercedes", "news", "series", "species", "texas"}
)


def key_phrases(
    text: str, language: str, limit: int = LIMIT, tokens: Sequence[Token] | None = None
) -> tuple[str, ...]:
    """Return at most ``limit`` phrases of ``text``, those first that say most, folded.

    Weighed by how often they stand in it, the first of several lines counting more. ``language``
    is an ISO 639 code; ``und`` leaves out the stop words of all known languages, and a language
    without stop words has no phrases. Linear in the text's length, of which ``CHARACTERS`` are
    read. ``tokens`` are those of the text where they are known already. Raises ModelError when
    spaCy's lists of stop words cannot be read.
    """
    weights: dict[str, int] = {}
    text = text[:CHARACTERS]
    title_end = text.find("\n")
    for phrase, words, first, _ in _phrases(text, language, tokens):
        weight = _WEIGHTS[words]
        if first.start < title_end:
            weight *= TITLE_BONUS
        weights[phrase] = weights.get(phrase, 0) + weight
    return tuple(sorted(weights, key=weights.__getitem__, reverse=True)[:limit])


def spellings(text: str, language: str) -> dict[str, str]:
    """Return each phrase of ``text`` -> how it is first written there, in lower case."""
    text = text[:CHARACTERS]
    found: dict[str, str] = {}
    for phrase, _, first, last in _phrases(text, language):
        found.setdefault(phrase, text[first.start : last.end].lower())
    return found


def _phrases(
    text: str, language: str, tokens: Sequence[Token] | None = None
) -> Iterator[tuple[str, int, Token, Token]]:
    """Yield each phrase, its number of words, and its first and last token."""
    if language not in LANGUAGES and language != UNDETERMINED:
        return
    run: list[tuple[str, Token]] = []
    end = -1
    for token in tokenise(text) if tokens is None else tokens:
        word = _normal(token.folded, language)
        start = token[2]
        if token[3] > len(text):
            break
        if run and (not word or start != end + 1 or text[end] not in _JOINTS):
            yield from _within(run, language)
            run = []
        if word:
            run.append((word, token))
            end = token[3]
    if run:
        yield from _within(run, language)


def _within(run: list[tuple[str, Token]], language: str) -> Iterator[tuple[str, int, Token, Token]]:
    """Yield the phrases of one run: its words, its pairs, and the whole of three words."""
    earlier: tuple[str, Token] | None = None
    is_earlier_weak = True
    for word, token in run:
        is_weak = _is_weak(word, language)
        if not is_weak and len(word) >= _SHORTEST:
            yield word, 1, token, token
        if earlier is not None and not (is_weak and is_earlier_weak) and earlier[0] != word:
            yield f"{earlier[0]} {word}", 2, earlier[1], token
        earlier, is_earlier_weak = (word, token), is_weak
    if len(run) == LONGEST_RUN:
        words = [word for word, _ in run]
        if len(set(words)) == LONGEST_RUN and not all(_is_weak(word, language) for word in words):
            yield " ".join(words), LONGEST_RUN, run[0][1], run[-1][1]


@lru_cache(maxsize=65_536)
def _normal(folded: str, language: str) -> str:
    """Return a token as phrases hold it; empty where it ends a run."""
    if len(folded) < 2 or not folded.isalpha() or len(folded) > 40:
        return ""
    if not folded.isascii() and is_unspaced(folded):
        return ""
    stops = _stop_words(language)
    if folded in stops:
        return ""
    word = singular(folded) if language == "en" else folded
    return "" if word in stops else word


@lru_cache(maxsize=65_536)
def _is_weak(word: str, language: str) -> bool:
    """Whether a word says something only beside another."""
    return any(word in WEAK[code] for code in _codes(language))


def singular(word: str) -> str:
    """Return an English word without its plural ending; verbs lose their -s the same way."""
    if len(word) < 4 or word[-1] != "s" or word in _NO_PLURALS or word[-2] in "sui":
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


def _codes(language: str) -> tuple[str, ...]:
    return LANGUAGES if language == UNDETERMINED else (language,)


@cache
def _stop_words(language: str) -> frozenset[str]:
    """Return the folded tokens that end a run in ``language``."""
    found: set[str] = set()
    for code in _codes(language):
        listed = _listed(code) | FILLERS[code]
        tokens = {token.folded for entry in listed for token in tokenise(entry)}
        found |= tokens - NO_STOPS[code]
    return frozenset(found)


def _listed(code: str) -> set[str]:
    """Return spaCy's stop words of a language, from its file alone: its package takes a second."""
    package = find_spec("spacy")
    if package is None or package.origin is None:
        raise ModelError("spaCy is not installed: its lists of stop words are needed")
    path = Path(package.origin).parent / "lang" / code / "stop_words.py"
    spec = spec_from_file_location(f"_stop_words_{code}", path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path}: spaCy's stop words cannot be read")
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return set(module.STOP_WORDS)
    except (OSError, ImportError, AttributeError) as err:
        raise ModelError(f"{path}: spaCy's stop words cannot be read: {err}") from err
