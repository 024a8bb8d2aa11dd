"""What people do about an incident: who is on it, its timeline, and the buttons for all of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import streamlit as st

from alerts.handling import Deed, Event, Handling
from alerts.incident import Incident
from alerts.notification import Delivery, DeliveryState, Notification
from app.instants import parse_instant
from core.errors import GroundswellError
from dashboard.session import Session, Viewer, plain
from dashboard.words import ago, escape, exact

SNOOZES = {"1 hour": 1, "4 hours": 4, "until tomorrow": 24, "3 days": 72}
NAME = "operator-name"
DEED_WORDS = {
    Deed.ACKNOWLEDGE: "is on it",
    Deed.ASSIGN: "assigned it to",
    Deed.SNOOZE: "wants no mails about it until",
    Deed.WAKE: "wants mails about it again",
    Deed.COMMENT: "wrote:",
    Deed.PIN: "did:",
    Deed.USEFUL: "found it useful",
    Deed.NOISE: "called it noise",
}
STATE_NAMES = {
    DeliveryState.WAITING: "not sent yet",
    DeliveryState.HELD: "held back",
    DeliveryState.LISTED: "told",
    DeliveryState.REFUSED: "not sent",
    DeliveryState.EXPIRED: "given up after two days",
    DeliveryState.MUTED: "not sent: unsubscribed before",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline: when, what kind of thing, and what in HTML."""

    at: datetime
    kind: str
    html: str


def chips(handling: Handling, watcher: Viewer) -> str:
    """Return, in HTML, where the incident stands with people."""
    found = []
    if handling.acknowledged_by:
        found.append(f"{handling.acknowledged_by} is on it")
    if handling.assignee:
        found.append(f"assigned to {handling.assignee}")
    if handling.is_snoozed(watcher.now) and handling.snoozed_until:
        found.append(f"snoozed until {exact(handling.snoozed_until, watcher.zone)}")
    if handling.is_useful is not None:
        found.append("useful" if handling.is_useful else "noise")
    return "".join(f'<span class="gw-chip">{escape(text)}</span>' for text in found)


def show_buttons(session: Session, incident: Incident, handling: Handling, now: datetime) -> None:
    """Show what can be done about the incident."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"do-{incident.id}"):
        if handling.acknowledged_by is None:
            _button(session, incident, Deed.ACKNOWLEDGE, "I am on it", ":material/front_hand:")
        if handling.is_snoozed(now):
            _button(session, incident, Deed.WAKE, "Mail again", ":material/notifications_active:")
        elif incident.resolved_at is None:
            with st.popover("Snooze", icon=":material/snooze:"):
                _snooze(session, incident, now)
        with st.popover("Assign", icon=":material/person:"):
            _written(session, incident, Deed.ASSIGN, "Who takes care of it? An address is mailed.")
        with st.popover("Comment", icon=":material/chat:"):
            _written(session, incident, Deed.COMMENT, "What is there to say?")
        with st.popover("Pin", icon=":material/push_pin:"):
            _pin(session, incident, now)
        if handling.is_useful is not True:
            _button(session, incident, Deed.USEFUL, "Useful", ":material/thumb_up:")
        if handling.is_useful is not False:
            _button(session, incident, Deed.NOISE, "Noise", ":material/thumb_down:")


def _name(form: str | None = None) -> str:
    """Return who looks, as far as they said, at the latest in ``form``."""
    if form and (told := st.session_state.get(f"who-{form}")):
        st.session_state[NAME] = told
    return str(st.session_state.get(NAME) or "operator")


def _try(do: Callable[[], object]) -> None:
    try:
        do()
    except GroundswellError as err:
        st.toast(plain(str(err)), icon=":material/error:")


def _button(session: Session, incident: Incident, deed: Deed, words: str, icon: str) -> None:
    st.button(
        words,
        key=f"{deed.value}-{incident.id}",
        icon=icon,
        on_click=lambda: _try(lambda: session.desk.do(incident.id, deed, _name())),
    )


def _snooze(session: Session, incident: Incident, now: datetime) -> None:
    for words, hours in SNOOZES.items():
        until = now + timedelta(hours=hours)

        def snooze(until: datetime = until) -> None:
            _try(lambda: session.desk.do(incident.id, Deed.SNOOZE, _name(), "", until))

        st.button(words, key=f"snooze-{hours}-{incident.id}", on_click=snooze)


def _written(session: Session, incident: Incident, deed: Deed, label: str) -> None:
    key = f"{deed.value}-text-{incident.id}"

    def write() -> None:
        text, by = st.session_state.get(key, ""), _name(f"{deed.value}-{incident.id}")
        _try(lambda: session.desk.do(incident.id, deed, by, text))

    with st.form(f"{deed.value}-form-{incident.id}", clear_on_submit=False, border=False):
        st.text_input(label, key=key, max_chars=500)
        _who(f"{deed.value}-{incident.id}")
        st.form_submit_button("Save", on_click=write)


def _pin(session: Session, incident: Incident, now: datetime) -> None:
    text, at = f"pin-text-{incident.id}", f"pin-at-{incident.id}"
    zone = session.queries.configuration.settings.time_zone

    def write() -> None:
        def pin() -> None:
            when = parse_clock(st.session_state.get(at, ""), now, zone)
            session.desk.pin(
                incident.id, _name(f"pin-{incident.id}"), st.session_state.get(text, ""), when
            )

        _try(pin)

    with st.form(f"pin-form-{incident.id}", clear_on_submit=False, border=False):
        st.text_input("What was done?", key=text, placeholder="statement", max_chars=200)
        st.text_input(f"When? ({zone})", key=at, placeholder="14:20, empty is now")
        _who(f"pin-{incident.id}")
        st.form_submit_button("Pin", on_click=write)


def _who(key: str) -> None:
    st.text_input("Your name", value=_name(), key=f"who-{key}", max_chars=80, on_change=None)


def parse_clock(text: str, now: datetime, zone: str) -> datetime:
    """Return the instant that ``14:20`` (the last such time), a date with time, or nothing names.

    Raises UsageError for anything else.
    """
    text = text.strip()
    if not text:
        return now
    from zoneinfo import ZoneInfo

    if len(text) <= len("14:20") and ":" in text:
        local = now.astimezone(ZoneInfo(zone))
        found = parse_instant(f"{local:%Y-%m-%d}T{text.zfill(5)}", now, zone)
        return found if found <= now else found - timedelta(days=1)
    return parse_instant(text, now, zone)


def timeline(
    incident: Incident,
    events: Sequence[Event],
    told: Sequence[tuple[Notification, Sequence[Delivery]]],
    watcher: Viewer,
) -> list[Entry]:
    """Return everything that happened to an incident, oldest first."""
    found = [
        Entry(incident.first.started_at, "began", "It began."),
        Entry(incident.opened_at, "opened", "The rule fired."),
    ]
    if incident.resolved_at:
        over = "It was over." if incident.level_since is None else "It became what is usual."
        if incident.ended_because:
            over = f"It ended: {escape(incident.ended_because)}."
        found.append(Entry(incident.resolved_at, "resolved", over))
    found += [_told(one, deliveries) for one, deliveries in told]
    found += [_done(event, watcher) for event in events]
    return sorted(found, key=lambda entry: entry.at)


def show_timeline(entries: Sequence[Entry], watcher: Viewer) -> None:
    """Draw a timeline."""
    rows = "".join(
        f'<li class="{escape(entry.kind)}"><time title="{escape(exact(entry.at, watcher.zone))}">'
        f"{ago(entry.at, watcher.now, watcher.zone)}</time><div>{entry.html}</div></li>"
        for entry in entries
    )
    st.html(f'<ol class="gw-timeline">{rows}</ol>')


def _told(notification: Notification, deliveries: Sequence[Delivery]) -> Entry:
    became = "".join(f"<small>{escape(became_of(one))}</small>" for one in deliveries)
    words = f"<b>{escape(notification.step)}</b> told: {escape(notification.subject)}"
    return Entry(notification.created_at, "told", f'<span class="gw-told">{words}{became}</span>')


def became_of(delivery: Delivery) -> str:
    """Return where a message went, or why not."""
    if delivery.state is DeliveryState.SENT:
        return delivery.words
    words = f": {delivery.words}" if delivery.words else ""
    return f"{delivery.recipient}, {STATE_NAMES[delivery.state]}{words}"


def _done(event: Event, watcher: Viewer) -> Entry:
    words = f"<b>{escape(event.by)}</b> {DEED_WORDS[event.deed]}"
    if event.until is not None:
        words += f" {escape(exact(event.until, watcher.zone))}"
    if event.text:
        words += f" {escape(event.text)}"
    return Entry(event.at, event.deed.value, words)
