"""Sources: does every one of them still bring something in?"""

from __future__ import annotations

import streamlit as st

from app.answers import Health, SourceHealth
from app.stores.state import BudgetDay, CoverageHour
from dashboard import drawing
from dashboard.session import Session, Viewer, answer, viewer
from dashboard.shell import live
from dashboard.words import ago, escape, exact, number

REFRESH_SECONDS = 5
TYPE_NAMES = {
    "feed": "Feed",
    "hackernews": "Hacker News",
    "mastodon": "Mastodon",
    "bluesky": "Bluesky",
}
DOTS = {
    Health.WELL: "well",
    Health.QUIET: "learning",
    Health.LATE: "late",
    Health.FAILING: "open",
    Health.OFF: "off",
}
LEGEND = (("ok", "polled well"), ("part", "partly"), ("bad", "failed"), ("none", "not polled"))


def show(session: Session) -> None:
    """Draw the page."""
    _live(session)


@live(REFRESH_SECONDS)
def _live(session: Session) -> None:
    watcher = viewer(session)
    sources = answer(session, ("sources",), session.queries.sources)
    if not sources:
        drawing.empty(
            "No source is configured yet",
            "Add feeds to sources.yml, or let Groundswell choose sources for a brand:",
            'groundswell track "Acme"',
        )
        return
    st.html(f'<p class="gw-lead">{_lead(sources)}</p>')
    for day in answer(session, ("sampled",), session.queries.sampled):
        st.html(f'<p class="gw-note">{escape(_sampling(day))}</p>')
    rows = "".join(_row(source, watcher) for source in sources)
    legend = "".join(f'<span><i class="{name}"></i>{text}</span>' for name, text in LEGEND)
    st.html(
        '<div class="gw-scroll"><table class="gw-table gw-sources"><thead><tr><th>Source</th>'
        "<th>State</th><th>Last success</th><th class=num>New in 7 days</th>"
        f"<th>Coverage, 7 days by the hour</th></tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="gw-legend">{legend}</p>'
    )


def _sampling(day: BudgetDay) -> str:
    """Return what was left out of a topic that matches too much, and the mend."""
    return (
        f"{day.topic} matches too much: {number(day.taken)} mentions were taken today, "
        f"{number(day.left_out)} left out above its daily budget. Narrow its query, or raise "
        "collect.daily_budget in settings.yml."
    )


def _lead(sources: list[SourceHealth]) -> str:
    """Return the sentence of the page."""
    active = [source for source in sources if source.health is not Health.OFF]
    bad = [source for source in active if source.health in (Health.FAILING, Health.LATE)]
    waiting = [source for source in active if source.health is Health.QUIET]
    noun = "source" if len(active) == 1 else "sources"
    if bad:
        names = ", ".join(escape(source.name) for source in bad[:3])
        rest = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        verb = "does" if len(bad) == 1 else "do"
        return (
            f'{len(active) - len(bad)} of {len(active)} {noun} do well. <span class="alarm">'
            f"{names}{rest}</span> {verb} not."
        )
    if waiting and len(waiting) == len(active):
        return f"{len(active)} {noun} wait to be polled. <code>groundswell run</code> starts them."
    return f"All {len(active)} {noun} do well." if len(active) > 1 else "The one source does well."


def _row(source: SourceHealth, watcher: Viewer) -> str:
    zone, now = watcher.zone, watcher.now
    last = "never"
    if source.last_success is not None:
        title = escape(exact(source.last_success, zone))
        last = f'<time title="{title}">{ago(source.last_success, now, zone)}</time>'
    reason = ""
    if source.reason and source.health in (Health.FAILING, Health.LATE):
        reason = f'<small class="reason">{escape(source.reason[:200])}</small>'
    label = '<span class="gw-label">synthetic</span>' if source.is_synthetic else ""
    cells = "".join(_cell(hour, watcher) for hour in source.hours)
    return (
        f"<tr><td><b>{escape(source.name)}</b>{label}<small>{TYPE_NAMES[source.type]}, "
        f"{source.channel.value}</small></td>"
        f'<td><span class="gw-dot {DOTS[source.health]}"></span>{source.health.value}{reason}</td>'
        f"<td>{last}</td><td class=num>{number(source.new_total)}"
        f"<small>of {number(source.fetched_total)} fetched</small></td>"
        f'<td><div class="gw-strip">{cells}</div></td></tr>'
    )


def _cell(hour: CoverageHour | None, watcher: Viewer) -> str:
    if hour is None:
        return "<i></i>"
    well = hour.ok + hour.not_modified
    name = "ok" if well == hour.polls else "part" if well else "bad"
    at = exact(hour.hour, watcher.zone).rsplit(":", 1)[0]
    title = f"{at}: {well} of {hour.polls} polls well, {hour.new} new"
    return f'<i class="{name}" title="{escape(title)}"></i>'
