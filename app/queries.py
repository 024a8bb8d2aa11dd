"""Every question that the dashboard and the command line ask. Views and commands only show.

One ``Queries`` belongs to one application. It asks the index in ``core.questions`` and leaves
statistics to ``insights``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from app.answers import (
    SENTIMENT_ORDER,
    Health,
    MentionPage,
    MentionRow,
    Overview,
    RuleState,
    SourceHealth,
    Span,
    Stats,
    StatsAnswer,
    TrendRow,
    VolumePoint,
)
from app.calendar import Calendar, calendar_of
from app.counting import Counts
from app.inbox import InboxOrder, PageOrder, urgent_page
from app.judging import judge
from app.pending import CorrectedIndex, Pending
from app.scope import Scope, sentiment_node
from charts.moments import Moment
from core.mention import Mention
from core.ports import Index, Poll
from core.query.ast import And, FieldIs, Node, Or
from core.query.highlight import spans
from core.query.parser import parse
from core.questions import GroupField, Order, Selection
from core.rules import BurstRule
from core.settings import Configuration
from core.window import TimeWindow, bucket_start
from insights.baseline import HOUR
from insights.measures import net_sentiment
from insights.verdict import Verdict

if TYPE_CHECKING:
    from alerts.incident import Incident
    from alerts.notification import Delivery, Notification
    from app.bootstrap import Application
    from app.stores.state import BudgetDay, CoverageHour

Place = Literal["title", "text"]

COVERAGE_LENGTH = timedelta(days=7)
"""What the page of sources shows: a week says whether a gap is usual for its hour."""

LATE_AFTER = timedelta(minutes=10)
"""However often a source is polled, a pause shorter than this worries nobody."""

LATE_AFTER_POLLS = 3
"""Polls in a row that a source may miss before it is called late; one is a restart."""


HOLIDAYS_SHOWN = timedelta(days=62)
"""A chart of more would hold more lines than anybody reads."""

BEFORE_INCIDENT = timedelta(hours=24)
"""How much of the time before an incident its chart shows: a day, for its ordinary rhythm."""

RULE_STEP = timedelta(minutes=15)
"""Buckets that rules are judged by here; what mails is judged where alerts are evaluated."""


class Queries:
    """Asks on behalf of one application, with corrections that are still on their way.

    With ``is_one_round`` it serves one round over many rules, at one instant: what several of them
    ask is asked once.
    """

    def __init__(
        self,
        application: Application,
        pending: Pending | None = None,
        *,
        is_one_round: bool = False,
    ) -> None:
        self._application = application
        self.pending = pending or Pending()
        self.index: Index = CorrectedIndex(application.index, self.pending)
        own = {one.name: one.every for one in self.configuration.sources if one.enabled}
        self.counts = Counts(
            application.state,
            self.index,
            self.now,
            min(own.values(), default=HOUR),
            own,
            is_one_round=is_one_round,
        )
        self._confusions: tuple[date, dict[str, tuple[tuple[int, ...], ...]]] | None = None

    @property
    def configuration(self) -> Configuration:
        """The configuration as it was when the application was opened."""
        return self._application.configuration

    @property
    def calendar(self) -> Calendar:
        """The holidays around now."""
        return calendar_of(self.configuration.settings, self.now())

    def now(self) -> datetime:
        """Return the application's time."""
        return self._application.clock()

    def selection(self, scope: Scope) -> Selection:
        """Return the scope as what the index is asked. Raises QueryError."""
        return scope.selection(self.configuration, self.now())

    # --- mentions

    def search(
        self,
        scope: Scope,
        size: int = 50,
        token: str | None = None,
        order: PageOrder = Order.NEWEST,
    ) -> MentionPage:
        """Return a page of mentions with what matched in each, and what each answers.

        Highlights the topics' queries and the scope's own. By urgency there is only a first page,
        of any size. Raises QueryError.
        """
        selection = self.selection(scope)
        if isinstance(order, InboxOrder):
            page = urgent_page(self.index, selection, size, self.now())
        else:
            page = self.index.page(selection, size, order, token)
        return MentionPage(page.total, self.listed(page.mentions, scope), page.next_token)

    def listed(
        self, mentions: Sequence[Mention], scope: Scope | None = None
    ) -> tuple[MentionRow, ...]:
        """Return mentions as they are listed, in their order. Raises QueryError."""
        parents = self._parents(mentions)
        highlight = self._highlighter(scope or Scope())
        return tuple(
            MentionRow(
                mention,
                highlight(mention, mention.title or "", "title"),
                highlight(mention, mention.text, "text"),
                parents.get(mention.parent_id or ""),
            )
            for mention in mentions
        )

    def _parents(self, mentions: Sequence[Mention]) -> dict[str, Mention]:
        wanted = list(dict.fromkeys(m.parent_id for m in mentions if m.parent_id))
        found = self.index.get(wanted) if wanted else {}
        return {key: mention for key, mention in found.items() if mention.has_content}

    def _highlighter(self, scope: Scope) -> Callable[[Mention, str, Place], tuple[Span, ...]]:

        asked = parse(scope.query, self.now()) if scope.query.strip() else None
        topics: dict[str, Node] = {t.name: parse(t.query) for t in self.configuration.topics}

        def highlight(mention: Mention, text: str, place: Place) -> tuple[Span, ...]:
            nodes = [topics[name] for name in mention.matched_topics if name in topics]
            found = [span for node in (asked, *nodes) if node for span in spans(node, text, place)]
            return _merged(found)

        return highlight

    def count(self, scope: Scope) -> int:
        """Return how many mentions the scope holds. Raises QueryError."""
        return self.index.count(self.selection(scope))

    # --- statistics

    def stats(self, scope: Scope) -> StatsAnswer:
        """Return mentions, stories, authors and sentiment, in all and of each topic."""
        whole = self.selection(scope)
        names = scope.selected_topics(self.configuration)
        topics = {name: self.stats_of(replace(whole, topics=(name,)), name) for name in names}
        return StatsAnswer(self.stats_of(whole, scope.towards), topics)

    def stats_of(self, selection: Selection, towards: str | None = None) -> Stats:
        """Return the statistics of one selection; sentiment towards a topic, or of whole texts."""
        counts = {
            label.value: self.index.count(narrowed(selection, sentiment_node((label,), towards)))
            for label in SENTIMENT_ORDER
        }
        mentions = self.index.count(selection)
        # Distinct counts are estimates; an impossible one would be noticed first.
        return Stats(
            mentions=mentions,
            stories=min(self.index.distinct(selection, GroupField.STORY), mentions),
            authors=min(self.index.distinct(selection, GroupField.AUTHOR), mentions),
            sentiment=counts,
            net_sentiment=net_sentiment(counts["positive"], counts["neutral"], counts["negative"]),
        )

    # --- what happens

    def trends(self, scope: Scope, size: int = 20) -> list[TrendRow]:
        """Return hashtags, names, phrases, links and stories, those that burst first."""
        from app.trending import explained, find_trends

        return explained(self, find_trends(self, scope)[:size])

    def overview(self, scope: Scope) -> Overview:
        """Return all that the first page shows."""
        from app.overview import build_overview

        return build_overview(self, scope)

    def confusions(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """Return how the sentiment model errs, by channel; read once, and answers of late each day.

        Rows are true labels, columns the model's; see ``app.quantifying``.
        """
        from app.quality import confusion_by_channel
        from app.quantifying import joined
        from insights.quality import PERIOD
        from nlp.card import validation_confusion

        day = self.now().date()
        if self._confusions is None or self._confusions[0] != day:
            answers = confusion_by_channel(self._application, day - PERIOD)
            card = validation_confusion(self.configuration.settings.models)
            tables = {channel: held.counts for channel, held in answers.items()}
            self._confusions = (day, joined(card, tables))
        return self._confusions[1]

    # --- sources

    def sampled(self) -> list[BudgetDay]:
        """Return the topics of which mentions were left out today, above their daily budget."""
        spent = self._application.state.spent(self.now().date().isoformat())
        return [day for _, day in sorted(spent.items()) if day.left_out]

    def sources(self) -> list[SourceHealth]:
        """Return how each source does, in the configuration's order."""
        state, now = self._application.state, self.now()
        end = bucket_start(now, HOUR) + HOUR
        window = TimeWindow.before(end, COVERAGE_LENGTH)
        polls, successes = state.last_polls(), state.last_successes()
        hours = {(hour.source, hour.hour): hour for hour in state.polls_by_hour(window)}
        found = []
        for source in self.configuration.sources:
            strip = tuple(hours.get((source.name, at)) for at in window.buckets(HOUR))
            last, success = polls.get(source.name), successes.get(source.name)
            found.append(
                SourceHealth(
                    name=source.name,
                    type=source.type,
                    channel=source.channel,
                    health=_health(source.enabled, source.every, last, success, now),
                    is_synthetic=source.synthetic,
                    last_poll=last.at if last else None,
                    last_status=last.status if last else None,
                    last_success=success,
                    reason=last.reason if last else None,
                    new_total=sum(hour.new for hour in strip if hour),
                    fetched_total=sum(hour.fetched for hour in strip if hour),
                    hours_start=window.start,
                    hours=strip,
                )
            )
        return found

    def polls_by_hour(self, window: TimeWindow) -> list[CoverageHour]:
        """Return how the polls of every source went in the hours that start in ``window``."""
        return self._application.state.polls_by_hour(window)

    # --- alerts

    def incidents(self, since: datetime | None = None) -> list[Incident]:
        """Return the incidents, open ones first, then newest first."""
        found = self._application.state.incidents(since)
        return sorted(found, key=lambda incident: incident.resolved_at is not None)

    def told(self, incident: Incident) -> list[tuple[Notification, list[Delivery]]]:
        """Return what was told about an incident, in order, and what became of it."""
        from app.stores.outbox import OutboxStore

        return OutboxStore(self._application.state).of_incident(incident.id)

    def muted(self) -> list[tuple[str, str]]:
        """Return who unsubscribed from which rule: (recipient, rule)."""
        return self._application.outbox.muted()

    def rules(self) -> list[RuleState]:
        """Return every alert rule with what it is doing, those of alerts.yml first."""
        from app.kinds import KINDS
        from app.own_rules import all_rules
        from app.rounds import Round

        by_rule: dict[str, list[Incident]] = {}
        for incident in self.incidents():
            by_rule.setdefault(incident.rule, []).append(incident)
        found = []
        for known in all_rules(self._application):
            rule, incidents = known.rule, by_rule.get(known.rule.name, [])
            state = RuleState(
                rule=rule,
                is_open=any(incident.resolved_at is None for incident in incidents),
                is_provisioned=known.is_provisioned,
                problem=known.problem,
            )
            if known.problem is None:
                kind = KINDS[rule.kind]
                here = Round(self._application, self, self.now(), incidents, is_dry=True)
                state = replace(state, kind=kind.title, watches=kind.describe(rule))
                if kind.state is not None:
                    state = replace(state, words=kind.state(here, rule))
                elif isinstance(rule, BurstRule):
                    state = replace(state, verdict=self.judge(rule))
            found.append(state)
        return found

    def judge(self, rule: BurstRule) -> Verdict | None:
        """Return the verdict of ``rule`` on the last closed bucket; None before any mention."""
        return judge(self, rule, self.now(), RULE_STEP)

    def incident_scope(self, incident: Incident) -> Scope:
        """Return the mentions of an incident: its topic and query, from its start to its end."""
        until = incident.resolved_at or max(self.now(), incident.latest.window_end)
        return Scope(
            topics=(incident.topic,) if incident.topic else (),
            query="" if incident.query == "*:*" else incident.query,
            since=min(incident.first.started_at, until),
            until=until,
        )

    def incident_volume(self, incident: Incident, zone: str) -> tuple[VolumePoint, ...]:
        """Return mentions by the hour around an incident, with what was expected."""
        from app.overview import volume_points

        scope = replace(self.incident_scope(incident), zone=zone)
        began = incident.first.started_at
        until = min((incident.resolved_at or self.now()) + BEFORE_INCIDENT / 4, self.now())
        window = TimeWindow(began - BEFORE_INCIDENT, max(until, began))
        selection = replace(self.selection(scope), window=None)
        return volume_points(self, selection, window, self.now(), zone)

    def incident_moments(self, incident: Incident) -> tuple[Moment, ...]:
        """Return what charts around an incident mark: pins, new levels, changes, holidays."""
        end = incident.resolved_at or self.now()
        window = TimeWindow(incident.first.started_at - BEFORE_INCIDENT, end + BEFORE_INCIDENT)
        return self.moments(window, (incident.topic,))

    def moments(self, window: TimeWindow, topics: Sequence[str] = ()) -> tuple[Moment, ...]:
        """Return what charts of ``window`` mark, about ``topics``."""
        from app.moments import holidays_in, moments_in

        told = moments_in(self._application.state, window, topics)
        days = holidays_in(self.calendar, window) if window.length <= HOLIDAYS_SHOWN else ()
        return tuple(sorted(told + days, key=lambda one: one.at))

    def volume(self, scope: Scope) -> tuple[VolumePoint, ...]:
        """Return the scope's mentions by the hour or the local day, with what was expected."""
        from app.overview import volume_points

        now = self.now()
        window = scope.pinned(now).window(now)
        assert window is not None  # noqa: S101 - a pinned scope has one
        selection = replace(self.selection(scope), window=None)
        return volume_points(self, selection, window, now, scope.zone)

    # --- filters

    def known_values(self, scope: Scope, field: GroupField, size: int = 30) -> list[str]:
        """Return the values that a filter can offer, most frequent first."""
        unfiltered = Scope(topics=scope.topics, group=scope.group, include_own=True)
        whole = replace(self.selection(unfiltered), window=None)
        return [value.value for value in self.index.top(whole, field, size)]

    def by_ids(self, ids: Sequence[str]) -> list[Mention]:
        """Return stored mentions in the order of ``ids``; those gone are left out."""
        found = self.index.get(list(ids))
        return [found[key] for key in ids if key in found and found[key].has_content]


def narrowed(selection: Selection, node: Node) -> Selection:
    """Return the selection with ``node`` required as well."""
    both = node if selection.query is None else And((selection.query, node))
    return replace(selection, query=both)


def any_of(field: str, values: Sequence[str]) -> Node:
    """Return the node that holds where a field has any of the values."""
    nodes = tuple(FieldIs(field, value) for value in values)
    return nodes[0] if len(nodes) == 1 else Or(nodes)


def _health(
    is_enabled: bool,
    every: timedelta,
    last: Poll | None,
    success: datetime | None,
    now: datetime,
) -> Health:
    if not is_enabled:
        return Health.OFF
    if last is None:
        return Health.QUIET
    if success is None or success < last.at:
        return Health.FAILING
    allowed = max(LATE_AFTER_POLLS * every, LATE_AFTER)
    return Health.LATE if now - success > allowed else Health.WELL


def _merged(found: Sequence[Span]) -> tuple[Span, ...]:
    """Return spans in order, overlapping ones as one."""
    merged: list[Span] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return tuple(merged)
