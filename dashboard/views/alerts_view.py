"""Alerts: what fired, why, what was told, and what each rule is doing."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from alerts.incident import Evidence, Incident
from alerts.late import late_words
from app.answers import MentionRow, RuleState, VolumePoint
from app.kinds import KINDS
from core.rules import RuleKind
from dashboard import drawing, preview_part, rules_part
from dashboard.cards import card
from dashboard.handling import chips, show_buttons, show_timeline, timeline
from dashboard.mail import read_mail, show_mail
from dashboard.proposals import show_proposals
from dashboard.session import Session, Viewer, answer, viewer
from dashboard.shell import live
from dashboard.words import ago, compared, escape, exact, number

REFRESH_SECONDS = 5
SHOWN_INCIDENTS = 20


def show(session: Session) -> None:
    """Draw the page."""
    _live(session)
    show_proposals(session)
    rules_part.edit_rules(session)
    preview_part.preview_rules(session)


@live(REFRESH_SECONDS)
def _live(session: Session) -> None:
    watcher = viewer(session)
    incidents = answer(session, ("incidents",), session.queries.incidents)
    # Who changed a rule sees it at once.
    changes = st.session_state.get(rules_part.CHANGES, 0)
    rules = answer(session, ("rules", changes), session.queries.rules)
    if not rules and not incidents:
        drawing.empty(
            "No rule watches yet",
            "A rule tells you when something unusual happens, and is silent otherwise. Make one "
            "below, or add it to alerts.yml; tracking a brand writes two:",
            'groundswell track "Acme"',
        )
        return
    opened = [incident for incident in incidents if incident.resolved_at is None]
    st.html(f'<p class="gw-lead">{_lead(opened, rules)}</p>')
    asked = st.query_params.get("incident")
    if asked and asked not in {incident.id for incident in incidents}:
        st.warning("The incident in the address is not known here.", icon=":material/link_off:")
    for at, incident in enumerate(incidents[:SHOWN_INCIDENTS]):
        is_first = incident.id == asked or (asked is None and at == 0)
        _incident(session, incident, watcher, is_expanded=is_first)
    if not incidents:
        st.html('<p class="gw-quiet">No rule has fired so far.</p>')
    rules_part.show_rules(rules, watcher, session.desk.records())
    _muted(session)


def _muted(session: Session) -> None:
    """Show who unsubscribed, and take it back."""
    muted = session.queries.muted()
    if not muted:
        return
    drawing.heading("Unsubscribed")
    for recipient, rule in sorted(muted):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f"<p>{escape(recipient)} gets no mails of {escape(rule)}.</p>")
            st.button(
                "Mail again",
                key=f"unmute-{recipient}-{rule}",
                on_click=session.application.outbox.unmute,
                args=(recipient, rule),
            )


def _lead(opened: list[Incident], rules: list[RuleState]) -> str:
    if opened:
        names = " and ".join(escape(name) for name in dict.fromkeys(i.rule for i in opened))
        verb = "is" if len(opened) == 1 else "are"
        return f'<span class="alarm">{names}</span> {verb} firing.'
    learning = sum(rule.learning is not None for rule in rules)
    broken = [rule for rule in rules if rule.problem]
    if broken:
        names = " and ".join(escape(state.rule.name) for state in broken[:3])
        return f'<span class="alarm">{names}</span> cannot watch: see below.'
    text = f"All quiet: {len(rules)} {'rule watches' if len(rules) == 1 else 'rules watch'}"
    return escape(f"{text}, {learning} still learning." if learning else f"{text}.")


def _incident(session: Session, incident: Incident, watcher: Viewer, *, is_expanded: bool) -> None:
    is_open = incident.resolved_at is None
    state = "open" if is_open else "ended" if incident.ended_because else "resolved"
    zone, now = watcher.zone, watcher.now
    handling = session.desk.handling(incident.id)
    ends = "" if is_open else f", over {ago(incident.resolved_at or now, now, zone)}"
    with st.container(key=f"gw-incident-{incident.id}", border=True):
        st.html(
            f'<div class="gw-incident {state}"><header><span class="gw-chip {state}">{state}</span>'
            f"<b>{escape(incident.rule)}</b><span>{KINDS[incident.kind].title}</span>"
            f'<time title="{escape(exact(incident.opened_at, zone))}">opened '
            f"{ago(incident.opened_at, now, zone)}{ends}</time></header>"
            f"<p>{_why(incident, watcher)}</p>{_causes(incident)}"
            f'<p class="gw-handling">{chips(handling, watcher)}</p></div>'
        )
        show_buttons(session, incident, handling, now)
        with st.expander("Chart, mentions and mail", expanded=is_expanded, key=incident.id):
            _details(session, incident, watcher)


def _why(incident: Incident, watcher: Viewer) -> str:
    """Return what was seen and how unusual that is, in plain words."""
    seen = (
        incident.latest if incident.latest.observed >= incident.first.observed else incident.first
    )
    if seen.words is not None:
        text = " ".join((seen.words.lead, *seen.words.story))
    else:
        text = _evidence(incident.kind, seen, watcher)
        if incident.peak_observed > seen.observed:
            text += f" At its peak {number(incident.peak_observed)}."
    if late := incident.first.late:
        text += f" It was {late_words(late, incident.opened_at, watcher.zone)}."
    if incident.ended_because:
        text += f" It ended because {incident.ended_because}."
    return escape(text)


def _evidence(kind: RuleKind, seen: Evidence, watcher: Viewer) -> str:
    since = ago(seen.started_at, watcher.now, watcher.zone)
    if kind is RuleKind.NEGATIVE_SPIKE:
        text = (
            f"{number(seen.observed)} of {number(seen.scored or 0)} scored mentions were negative"
        )
    else:
        text = f"{number(seen.observed)} mentions"
    text += f" in {_length(seen)}"
    if seen.is_learning:
        return f"{text}. The rule is still learning what is usual. It began {since}."
    return f"{text}{compared(seen)}. It began {since}."


def _length(seen: Evidence) -> str:
    minutes = round((seen.window_end - seen.window_start).total_seconds() / 60)
    if minutes % 60 == 0:
        return "an hour" if minutes == 60 else f"{minutes // 60} hours"
    return f"{minutes} minutes"


def _causes(incident: Incident) -> str:
    if not incident.causes:
        return ""
    items = "".join(
        f"<li><b>{escape(cause.value)}</b><small>{escape(cause.field)}, {number(cause.count)} "
        f"against {cause.expected:.1f}</small></li>"
        for cause in incident.causes[:8]
    )
    return f'<ul class="gw-causes">{items}</ul>'


def _details(session: Session, incident: Incident, watcher: Viewer) -> None:
    queries = session.queries
    volume = answer(
        session,
        ("incident", incident.id, incident.updated_at),
        lambda: queries.incident_volume(incident, watcher.zone),
    )
    if incident.topic:
        _show_mentions(session, incident, watcher, volume)
    _told(session, incident, watcher)


def _show_mentions(
    session: Session, incident: Incident, watcher: Viewer, volume: Sequence[VolumePoint]
) -> None:
    """Draw the chart and the mentions of an incident that is about a topic."""
    queries = session.queries
    drawing.show_volume(
        volume,
        watcher,
        f"volume-{incident.id}",
        since=incident.first.started_at,
        moments=queries.incident_moments(incident),
    )
    scope = queries.incident_scope(incident)
    st.html(
        f'<p class="gw-more"><a href="{escape(scope.url("mentions"))}">All mentions of this '
        f"incident</a></p>"
    )
    mentions = queries.by_ids(incident.mention_ids)
    if mentions:
        drawing.heading("The mentions that matter")
        st.html("".join(card(MentionRow(mention), watcher, is_alone=True) for mention in mentions))


def _told(session: Session, incident: Incident, watcher: Viewer) -> None:
    """Show everything that happened, and the newest mail where it lies in our own folder."""
    told = session.queries.told(incident)
    drawing.heading("What happened")
    entries = timeline(incident, session.desk.events(incident.id), told, watcher)
    show_timeline(entries, watcher)
    folder = session.application.home / "mail"
    configured = session.application.configuration.settings.mail.folder
    for delivery in told[-1][1] if told else ():
        mail = read_mail(delivery.words, (str(folder), configured))
        if mail is not None:
            show_mail(mail)
