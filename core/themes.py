"""themes.yml: what mentions may be about."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from core.media_topics import MEDIA_TOPICS
from core.sections import Name, Section


def _check_media_topic(code: str) -> str:
    if code not in MEDIA_TOPICS:
        allowed = ", ".join(f"{known} ({name})" for known, name in MEDIA_TOPICS.items())
        raise ValueError(f"{code!r} is no media topic of the top level (allowed: {allowed})")
    return code


class Theme(Section):
    """What a mention may be about: a media topic, what a query finds, what is like the examples.

    Each of the three is enough to give a mention the theme. ``code`` is one of
    ``core.media_topics``; codes and examples are understood in the language of the sentence
    vectors alone, a query in any.
    """

    name: Name
    code: Annotated[str, AfterValidator(_check_media_topic)] | None = None
    query: str | None = Field(default=None, min_length=1)
    examples: tuple[Annotated[str, Field(min_length=1, max_length=2_000)], ...] = Field(
        default=(), max_length=200
    )

    @model_validator(mode="after")
    def _finds_something(self) -> Theme:
        if self.code is None and self.query is None and not self.examples:
            raise ValueError("a theme needs a code, a query or examples, or nothing has it")
        return self


DEFAULT_THEMES = tuple(Theme(name=name, code=code) for code, name in MEDIA_TOPICS.items())
"""Without a themes.yml these are told apart; an empty list there tells none."""
