"""What the statistical judges say, as evidence and in words."""

from __future__ import annotations

from alerts.incident import Evidence, Words
from app.judging import judge
from app.rounds import Found, Round, Standing
from core.rules import BurstRule, CompetitorMoveRule, RuleKind
from insights.sentence import describe_learning, format_length, format_range
from insights.verdict import Learning, Measure, Verdict


def examine(here: Round, rule: BurstRule) -> Found:
    """Return the judge's verdict on the last closed bucket."""
    verdict = judge(here.queries, rule, here.now)
    if verdict is None:
        return Found("no mention yet", Standing.NO_DATA)
    standing = Standing.QUIET if verdict.learning is None else Standing.LEARNING
    evidence = evidence_of(verdict, rule) if verdict.is_alert else None
    return Found(verdict_words(verdict, rule.kind), standing, verdict, evidence)


def learning_words(learning: Learning, kind: RuleKind = RuleKind.VOLUME_SPIKE) -> str:
    """Return how far a rule is that has not enough history yet."""
    is_negative = kind is RuleKind.NEGATIVE_SPIKE
    return describe_learning(learning, Measure.NEGATIVE if is_negative else Measure.VOLUME)


def verdict_words(verdict: Verdict, kind: RuleKind) -> str:
    """Return a verdict that opened nothing in a few words."""
    if verdict.learning is not None:
        return learning_words(verdict.learning, kind)
    if verdict.low is None or verdict.high is None:
        return f"quiet: {verdict.observed}"
    return f"quiet: {verdict.observed}, usual {verdict.low}-{verdict.high}"


def evidence_of(verdict: Verdict, rule: BurstRule) -> Evidence:
    """Return what a verdict that is an alert says."""
    learning = verdict.learning
    is_share = isinstance(rule, CompetitorMoveRule)
    return Evidence(
        window_start=verdict.window.start,
        window_end=verdict.window.end,
        started_at=verdict.started_at or verdict.window.start,
        observed=verdict.observed,
        expected=verdict.expected,
        low=verdict.low,
        high=verdict.high,
        factor=verdict.factor,
        p=verdict.p,
        scored=verdict.scored,
        reference_start=verdict.reference.start,
        reference_end=verdict.reference.end,
        coverage=verdict.coverage,
        is_learning=learning is not None,
        note=f"This rule is {learning_words(learning, rule.kind)}." if learning else None,
        words=_share_words(verdict, rule) if is_share else None,
    )


def _share_words(verdict: Verdict, rule: BurstRule) -> Words:
    """Return how far a competitor's share of voice stands out."""
    percent = round(100 * (verdict.share or 0))
    length = format_length(verdict.window.length)
    usual = ""
    if verdict.expected is not None and verdict.scored:
        usual = f", usual {round(100 * verdict.expected / verdict.scored)} %"
    chance = f" By chance so much would come with p = {verdict.p:.1g}." if verdict.p else ""
    return Words(
        subject=f"{rule.topic}: {percent} % of what is said about the group in {length}{usual}",
        lead=f"{rule.topic} has {percent} % of what is said about its group{usual}.",
        story=(
            f"{verdict.observed:,} of {verdict.scored or 0:,} mentions of the group in {length}"
            + (
                f", usual {format_range(verdict.low, verdict.high)}."
                if verdict.low is not None and verdict.high is not None
                else "."
            ),
        ),
        why=(
            (
                f'The rule "{rule.name}" watches the share of {rule.topic} in what is said about '
                f"all topics of its group, so that a lively day for all is no news.{chance}"
            ),
        ),
        resolved=f"{rule.topic} is back to its usual share.",
    )
