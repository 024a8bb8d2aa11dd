"""What the statistical judges say, as evidence and in words."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from alerts.incident import Evidence, Words
from alerts.incidents import level_told_at
from app.calendar import Calendar
from app.judging import judge
from app.late import find_missed
from app.rounds import Found, Round, Standing
from core.rules import BurstRule, CompetitorMoveRule, RuleKind
from insights.budgets import needed_budget
from insights.levels import Shift
from insights.sentence import describe_learning, format_length, format_range
from insights.verdict import Learning, Measure, Verdict


def examine(here: Round, rule: BurstRule) -> Found:
    """Return the judge's verdict on the last closed bucket."""
    is_arriving = here.queries.counts.is_history_arriving((rule.topic,), here.now)
    # On a clock that is held, what was imported arrives for ever.
    if is_arriving and not here.application.is_clock_held:
        return Found("waits: history is still coming in", Standing.LEARNING)
    verdict = judge(here.queries, rule, here.now)
    if verdict is None:
        return Found("no mention yet", Standing.NO_DATA)
    standing = Standing.QUIET if verdict.learning is None else Standing.LEARNING
    calendar = here.queries.calendar
    evidence = evidence_of(verdict, rule, calendar) if verdict.is_alert else None
    shift, level = verdict.shift, None
    if (
        shift is not None
        and shift.is_news(level_told_at(here.known), here.now)
        # That nothing comes after the last import is no news.
        and (shift.factor > 1 or here.queries.counts.is_collecting())
    ):
        level = level_evidence(shift, rule, here.zone)
    words, over = verdict_words(verdict, rule.kind), None
    missed = find_missed(here, rule)
    if missed is not None:
        was_seen = missed.told_in(evidence_of(missed.verdict, rule, calendar))
        is_over = evidence is None and missed.is_over(here.now)
        if is_over:
            # Where another matter is open, it is told beside it.
            over = was_seen
        elif any(one.resolved_at is None for one in here.known):
            evidence = evidence or was_seen
        else:
            # What lasts is told as any other alert, with what was missed before.
            evidence = missed.told_in(evidence) if evidence else was_seen
    return Found(words, standing, verdict, evidence, level=level, missed=over)


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


def evidence_of(verdict: Verdict, rule: BurstRule, calendar: Calendar) -> Evidence:
    """Return what a verdict that is an alert says; ``calendar`` names the holiday it fell on."""
    learning, last = verdict.learning, verdict.at - timedelta(seconds=1)
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
        needed_budget=needed_budget(verdict.p, verdict.level, rule.false_alarms_per_week),
        scored=verdict.scored,
        reference_start=verdict.reference.start,
        reference_end=verdict.reference.end,
        coverage=verdict.coverage,
        holiday=calendar.name_on(last) if verdict.is_holiday else None,
        is_learning=learning is not None,
        note=f"This rule is {learning_words(learning, rule.kind)}." if learning else None,
        words=_share_words(verdict, rule) if is_share else None,
    )


def level_evidence(shift: Shift, rule: BurstRule, zone: str) -> Evidence:
    """Return what a level shift says, in the words of its mail."""
    since = f"{shift.start.astimezone(ZoneInfo(zone)):%a %d %b %H:%M}"
    times = factor_words(shift.factor)
    story = ["From now on this counts as usual: no more mails come of it while it lasts."]
    if shift.factor < 1:
        story.append("A query that broke and a source that went silent look like this.")
    story.append(
        f"Until the shift was found {shift.observed:,.0f} mentions came; "
        f"at the old level {shift.expected:,.0f} would have."
    )
    return Evidence(
        window_start=shift.start,
        window_end=shift.found_at,
        started_at=shift.start,
        observed=round(shift.observed),
        expected=shift.expected,
        factor=shift.factor,
        words=Words(
            subject=f"{rule.topic}: new level, {times} the mentions since {since}",
            lead=f"Since {since} {rule.topic} has {times} the mentions it had.",
            story=tuple(story),
            why=(
                (
                    f'The rule "{rule.name}" compares the volume of the last days with the three '
                    f"weeks before, at the same hours of the week. This stands "
                    f"{shift.deviations:.1f} standard deviations out."
                ),
            ),
        ),
    )


def factor_words(factor: float) -> str:
    """Return a factor as "3.1 times" or "45 % of"."""
    if factor > 1:
        return f"{factor:.1f} times"
    return f"{100 * factor:.0f} % of" if factor >= 0.01 else "hardly any of"


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
