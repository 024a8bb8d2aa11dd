"""What mentions are tagged and scored by, and since when: the versions that history is made of.

Two counts can be compared only where the same query tagged the mentions and the same models scored
them. Each change of either is a version of its own, changing it back too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.errors import QueryError
from core.query.narrowing import is_narrower
from core.query.parser import parse
from core.window import EPOCH, TimeWindow


class VersionKind(StrEnum):
    """What a version is of."""

    QUERY = "query"
    SENTIMENT = "sentiment"
    THEMES = "themes"


class VersionStep(StrEnum):
    """What a version is to the one before it.

    ``again`` changes nothing: it says that stored mentions were tagged or scored anew.
    """

    FIRST = "first"
    CHANGED = "changed"
    AGAIN = "again"


class Made(BaseModel):
    """What makes one version; stored as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tagging(Made):
    """What decides which mentions of a topic are counted: its query, and the brand's own accounts.

    ``own`` are pairs of a service and an account's id, sorted: their mentions are left out.
    """

    query: str
    own: tuple[tuple[str, str], ...] = ()


class Scoring(Made):
    """What scores sentiment: the models by name and version, and the settings that they run with.

    ``digests`` tell the weights, labels and calibration of each model from others of its name.
    ``settings`` maps a setting's name to its value as it is written.
    """

    models: tuple[str, ...]
    digests: tuple[str, ...] = ()
    settings: dict[str, str] = {}


class Theming(Made):
    """What gives themes: the sentence vectors by name and version, and each theme as it is written.

    ``digests`` tell the vectors from others of their name.
    """

    models: tuple[str, ...]
    digests: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()


Making = Tagging | Scoring | Theming

Subject = tuple[VersionKind, str]
"""What has versions: its kind, and the topic; no topic is all of them."""

SENTIMENT: Subject = (VersionKind.SENTIMENT, "")
"""The models that score every topic."""

THEMES: Subject = (VersionKind.THEMES, "")
"""What gives themes to the mentions of every topic."""

FORMS: Mapping[VersionKind, type[Making]] = {
    VersionKind.QUERY: Tagging,
    VersionKind.SENTIMENT: Scoring,
    VersionKind.THEMES: Theming,
}
"""How each kind is written."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a subject, in use from ``at`` on: the ``number``-th, counted from 1.

    ``words`` say what changed, empty for the first. Where stored mentions were done ``again``,
    ``since`` is the publication of the oldest of them, None where it was all.
    """

    kind: VersionKind
    topic: str
    number: int
    at: datetime
    step: VersionStep
    made: Making
    words: str = ""
    since: datetime | None = None

    @property
    def subject(self) -> Subject:
        """What it is a version of."""
        return self.kind, self.topic


def by_subject(versions: Sequence[Version]) -> dict[Subject, list[Version]]:
    """Return the versions of each subject, in order."""
    found: dict[Subject, list[Version]] = {}
    for version in sorted(versions, key=lambda one: one.number):
        found.setdefault(version.subject, []).append(version)
    return found


def news(
    known: Sequence[Version], current: Mapping[Subject, Making], at: datetime
) -> list[Version]:
    """Return the versions that ``current`` adds at ``at`` to those that are ``known``.

    What is compared is what a query means, not how it is written: brackets and capitals that change
    nothing are no version.
    """
    held = by_subject(known)
    found = []
    for (kind, topic), made in current.items():
        versions = held.get((kind, topic), [])
        if not versions:
            found.append(Version(kind, topic, 1, at, VersionStep.FIRST, made))
        elif words := difference(topic, versions[-1].made, made):
            number = versions[-1].number + 1
            found.append(Version(kind, topic, number, at, VersionStep.CHANGED, made, words))
    return found


def done_again(
    known: Sequence[Version],
    subjects: Sequence[Subject],
    at: datetime,
    since: datetime | None = None,
) -> list[Version]:
    """Return the versions that say what was stored was done again by the newest of each subject.

    ``since`` is the publication of the oldest mention that was; None is all of them. A topic may be
    scored again by itself: models and themes have versions for all topics together. Subjects
    without any version are left out.
    """
    held = by_subject(known)
    found = []
    for kind, topic in subjects:
        own = held.get((kind, topic), [])
        newest = own if kind is VersionKind.QUERY else held.get((kind, ""), [])
        if newest:
            number = own[-1].number + 1 if own else 1
            made = newest[-1].made
            found.append(Version(kind, topic, number, at, VersionStep.AGAIN, made, since=since))
    return found


def difference(topic: str, before: Making, after: Making) -> str:
    """Return in words how ``after`` differs, e.g. "query of Acme changed"; empty where not at all.

    A setting that only one of them names came with another release, and is no difference.
    """
    if isinstance(before, Scoring) and isinstance(after, Scoring):
        return _difference_of_models(before, after)
    if isinstance(before, Theming) and isinstance(after, Theming):
        return _difference_of_themes(before, after)
    if not (isinstance(before, Tagging) and isinstance(after, Tagging)):
        raise TypeError("two versions of one kind can be compared")
    if not has_same_meaning(before.query, after.query):
        return f"query of {topic} changed"
    return f"own accounts of {topic} changed" if before.own != after.own else ""


def has_same_meaning(left: str, right: str) -> bool:
    """Return whether two queries are one to every evaluator; one that is wrong is like itself."""
    if left == right:
        return True
    try:
        return parse(left) == parse(right)
    except QueryError:
        return False


def _difference_of_themes(before: Theming, after: Theming) -> str:
    if sorted(before.themes) != sorted(after.themes):
        return "themes changed"
    if before.models != after.models:
        gone, come = (" + ".join(one.models) or "none" for one in (before, after))
        return f"sentence vectors of themes {gone} -> {come}"
    return "" if before.digests == after.digests else "sentence vectors of themes changed"


def _difference_of_models(before: Scoring, after: Scoring) -> str:
    gone = " + ".join(name for name in before.models if name not in after.models)
    come = " + ".join(name for name in after.models if name not in before.models)
    if gone and come:
        return f"sentiment model {gone} -> {come}"
    if come:
        return f"sentiment model {come} added"
    if gone:
        return f"sentiment model {gone} removed"
    if before.models != after.models:
        return "order of the sentiment models changed"
    if before.digests != after.digests:
        return f"weights or calibration of sentiment model {' + '.join(after.models)} changed"
    changed = [
        f"{name} {value} -> {after.settings[name]}"
        for name, value in sorted(before.settings.items())
        if after.settings.get(name, value) != value
    ]
    return f"sentiment model: {', '.join(changed)}" if changed else ""


@dataclass(frozen=True, slots=True)
class Unlike:
    """A time whose counts cannot be compared with those of now, and the change that ended it."""

    window: TimeWindow
    change: Version


@dataclass(frozen=True, slots=True)
class _Span:
    """A time from ``start`` on: what mentions were taken by then, and were last done by."""

    start: datetime
    taken_by: Making
    done_by: Making
    version: Version


def unlike(versions: Sequence[Version]) -> list[Unlike]:
    """Return the times that are not of the newest of one subject's ``versions``, in order.

    What was done again is of the version that did it. For a query that is so only where it finds
    nothing that the query of that time did not: what that one let pass was never stored.
    """
    spans: list[_Span] = []
    for version in versions:
        if version.step is VersionStep.AGAIN:
            spans = _done_again(spans, version)
        else:
            start = max(version.at, spans[-1].start) if spans else EPOCH
            spans.append(_Span(start, version.made, version.made, version))
    found = []
    for place, span in enumerate(spans[:-1]):
        later = spans[place + 1 :]
        if later[0].start > span.start and not _is_like(span, spans[-1].taken_by):
            changes = (one.version for one in later if one.version is not span.version)
            window = TimeWindow(span.start, later[0].start)
            found.append(Unlike(window, next(changes, span.version)))
    return found


def _done_again(spans: Sequence[_Span], version: Version) -> list[_Span]:
    """Return the spans after stored mentions published from ``version.since`` on were done again.

    The span that holds that instant is cut in two.
    """
    since, found = version.since or EPOCH, []
    for place, span in enumerate(spans):
        is_begun = span.start < since
        is_over = place + 1 < len(spans) and spans[place + 1].start <= since
        if is_begun:
            found.append(span)
        if not is_over:
            found.append(replace(span, start=max(span.start, since), done_by=version.made))
    return found


def _is_like(span: _Span, now: Making) -> bool:
    """Return whether the span's counts are what those of ``now`` would be."""
    if difference("", span.done_by, now):
        return False
    if isinstance(span.taken_by, Tagging) and isinstance(now, Tagging):
        return is_narrower(now.query, span.taken_by.query)
    return True
