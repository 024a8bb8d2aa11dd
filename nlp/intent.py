"""What the author of a text wants from whoever reads it: an answer, help, or nothing.

Rules over the clauses of a text, in six languages (``nlp.cues``), with the sentiment that
the model found as one more sign. Which rule comes first matters more than any one cue: who asks for
something is a request even in anger; who asks is a question unless nobody could answer it ("Really?
Another price rise?"); what is left is a complaint or praise where a sure sign says so, or two that
say it together.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from core.mention import Intent, Sentiment
from nlp.cues.english import EN
from nlp.cues.german import DE
from nlp.cues.romance import ES, FR, IT, PT
from nlp.story import is_passed_on, without_addresses

CUES: Final = {"de": DE, "en": EN, "es": ES, "fr": FR, "it": IT, "pt": PT}
"""The cues of each language that intent is told in."""

LANGUAGES: Final = tuple(sorted(CUES))
"""Languages with rules; a text in another one has no intent."""

CHARACTERS: Final = 2_000
"""Longer texts are cut: who wants something says so early."""

ENOUGH: Final = 2
"""Weight of the signs that make a complaint or praise: a sure one, or two that are not."""

_NEGATED_WORDS: Final = 3
"""A negation turns around what begins within so many words behind it."""

_TAG = re.compile(r"[#＃]\w+")
_CLAUSE = re.compile(r"[^.!?;\n…？！。]+[.!?;\n…？！。]*")
_LEADING = re.compile(
    r"^[^\w¿]*(?:(?:so|and|but|ok|okay|hey|hi|hello|well|also|oh|hallo|hola|bonjour|salut|ciao|oi|ola|"
    r"und|aber|y|pero|et|mais|e|ma|mas|bonsoir|question|frage|pregunta|domanda|pergunta)\b[^\w¿]*)*"
)
_STRAIGHT = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "ß": "ss"})
_ASKS_BY_SIGN = re.compile(r"[?？]")


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The compiled cues of one language."""

    openers: re.Pattern[str]
    asks: re.Pattern[str]
    rhetorical: re.Pattern[str]
    wishes: re.Pattern[str]
    hints: re.Pattern[str]
    blames: re.Pattern[str]
    troubles: re.Pattern[str]
    lauds: re.Pattern[str]
    joys: re.Pattern[str]
    negations: re.Pattern[str]
    idioms: re.Pattern[str] | None


@dataclass(slots=True)
class _Signs:
    """What the clauses read so far say."""

    has_wish: bool = False
    has_hint: bool = False
    has_question: bool = False
    blame: int = 0
    praise: int = 0


def find_intent(text: str, language: str, sentiment: Sentiment | None = None) -> Intent | None:
    """Return what the author of ``text`` wants; None for a language without rules or no words.

    ``language`` is an ISO 639 code, ``sentiment`` what the model found, if it did. Who passes on
    another's text ("RT @name") wants nothing by it. Linear in the text's length, of which
    ``CHARACTERS`` are read.
    """
    if language not in CUES:
        return None
    text = text[:CHARACTERS]
    clauses = [_fold(match) for match in _CLAUSE.findall(_TAG.sub(" ", without_addresses(text)))]
    clauses = [clause for clause in clauses if any(char.isalpha() for char in clause)]
    if not clauses:
        return None
    if is_passed_on(text):
        return Intent.OTHER
    patterns = _patterns(language)
    signs = _Signs()
    for clause in clauses:
        _read(clause, patterns, signs)
    return _decide(signs, sentiment)


def _decide(signs: _Signs, sentiment: Sentiment | None) -> Intent:
    """Weigh the signs of a whole text; its sentiment is one more for or against what they say."""
    leaning = {Sentiment.POSITIVE: 1, Sentiment.NEGATIVE: -1}.get(sentiment or Sentiment.NEUTRAL, 0)
    blame = signs.blame - leaning if signs.blame else 0
    praise = signs.praise + leaning if signs.praise else 0
    if signs.has_wish or (signs.has_hint and blame < ENOUGH):
        return Intent.REQUEST
    if signs.has_question and blame <= ENOUGH:
        return Intent.QUESTION
    if blame >= ENOUGH and blame >= praise:
        return Intent.COMPLAINT
    if praise >= ENOUGH:
        return Intent.PRAISE
    return Intent.OTHER


def _read(clause: str, patterns: _Patterns, signs: _Signs) -> None:
    """Add what one folded clause says."""
    bare = _LEADING.sub("", clause)
    is_asked = _ASKS_BY_SIGN.search(clause) is not None
    if (is_asked or patterns.openers.match(bare)) and patterns.rhetorical.match(bare):
        signs.blame += ENOUGH
        return
    asks = patterns.asks.search(bare) is not None
    if not asks and patterns.wishes.search(bare):
        signs.has_wish = True
    elif asks or is_asked or patterns.openers.match(bare):
        signs.has_question = True
    elif patterns.hints.search(bare):
        signs.has_hint = True
    _weigh(bare, patterns, signs)


def _weigh(clause: str, patterns: _Patterns, signs: _Signs) -> None:
    """Add the signs of complaint and praise in one clause."""
    if patterns.idioms is not None:
        clause, idioms = patterns.idioms.subn(" ", clause)
        signs.praise += ENOUGH * idioms
    negated = [match.end() for match in patterns.negations.finditer(clause)]
    for pattern, weight, is_praise in (
        (patterns.blames, ENOUGH, False),
        (patterns.lauds, ENOUGH, True),
        (patterns.troubles, 1, False),
        (patterns.joys, 1, True),
    ):
        for match in pattern.finditer(clause):
            if not _is_negated(clause, match.start(), negated):
                if is_praise:
                    signs.praise += weight
                else:
                    signs.blame += weight
            elif is_praise:
                signs.blame += weight


def _is_negated(clause: str, at: int, negated: list[int]) -> bool:
    """Whether a negation ends shortly before ``at``, with no comma between."""
    for end in negated:
        between = clause[end:at]
        if end <= at and "," not in between and len(between.split()) < _NEGATED_WORDS:
            return True
    return False


def _fold(text: str) -> str:
    """Return lower case without accents, apostrophes straight, one space between words."""
    text = text.translate(_STRAIGHT).lower()
    if not text.isascii():
        decomposed = unicodedata.normalize("NFD", text)
        text = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(text.split())


@cache
def _patterns(language: str) -> _Patterns:
    cues = CUES[language]

    def compiled(entries: tuple[str, ...]) -> re.Pattern[str]:
        return re.compile("|".join(rf"(?<![\w'])(?:{entry})(?![\w])" for entry in entries))

    return _Patterns(
        openers=re.compile("|".join(rf"(?:¿ ?)?(?:{entry})" for entry in cues.openers)),
        asks=compiled(cues.asks),
        rhetorical=compiled(cues.rhetorical),
        wishes=compiled(cues.wishes),
        hints=compiled(cues.hints),
        blames=compiled(cues.blames),
        troubles=compiled(cues.troubles),
        lauds=compiled(cues.lauds),
        joys=compiled(cues.joys),
        negations=compiled(cues.negations),
        idioms=compiled(cues.idioms) if cues.idioms else None,
    )
