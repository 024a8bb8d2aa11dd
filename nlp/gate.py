"""Which language's models may read a text: what is not sure enough lets none of them guess."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from nlp.language import UNDETERMINED, LanguageGuess, detect_language, primary_code

CONTRADICTED: Final = 0.8
"""A text found to be in another language with this confidence is given to no model of the
language that its source claims: many services claim the account's language for every post."""

CERTAIN: Final = 0.6
"""A language found with less confidence lets no model guess, also where the mention names the same:
that name may have been found in the text, by the same means, when its topics were matched."""


def trusted_language(text: str, claimed: str | None, candidates: Collection[str]) -> str | None:
    """Return the language whose models may read ``text``; None keeps them from guessing.

    ``claimed`` is what the source says (a tag such as ``en-US``), None where it says nothing.
    """
    guess = detect_language(text, candidates)
    code = primary_code(claimed)
    return (code or guess.code) if is_trusted(code, guess) else None


def is_trusted(claimed: str | None, guess: LanguageGuess) -> bool:
    """Whether a claimed or guessed language is sure enough for its models to read the text."""
    confidence = guess.confidence or 0.0
    if claimed is None or guess.code == claimed:
        return confidence >= CERTAIN
    return guess.code == UNDETERMINED or confidence < CONTRADICTED
