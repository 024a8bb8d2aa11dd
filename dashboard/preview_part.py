"""What a rule would have told, on the page of alerts: when, and each mail to be read."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from app.own_rules import all_rules
from app.previewing import Foretold, Preview, preview
from app.rehearsing import can_promise, promise_words, rehearse
from core.errors import UsageError
from core.rules import Rule
from dashboard import drawing
from dashboard.mail import as_shown, show_mail
from dashboard.session import Session, plain, viewer
from dashboard.words import escape, exact

DAYS, MOST_DAYS = 90, 730
SHOWN_MAILS = 10
"""Mails that are drawn: each takes as long as it would have taken then."""


def preview_rules(session: Session) -> None:
    """Let a rule be replayed on its own history: it takes seconds, so only when asked for."""
    known = all_rules(session.application)
    rules = {one.rule.name: one.rule for one in known if one.problem is None}
    if not rules:
        return
    drawing.heading("What a rule would have told")
    name = st.selectbox("Rule", list(rules), key="gw-preview-rule")
    days = st.number_input("Days back", 1, MOST_DAYS, DAYS, key="gw-preview-days")
    if not st.button("Replay it on its own history", key="gw-preview"):
        st.html(
            '<p class="gw-quiet">When it would have fired, with each mail, how often it would ring '
            "on quiet weeks, and the smallest crisis it would tell. Takes some seconds.</p>"
        )
        return
    with st.spinner("Replaying what is stored"):
        _show(session, rules[name], timedelta(days=int(days)))


def _show(session: Session, rule: Rule, length: timedelta) -> None:
    try:
        found = preview(session.application, rule, length)
    except UsageError as error:
        st.info(plain(str(error)), icon=":material/info:")
        return
    words = [f"{found.title}.", *found.words]
    if can_promise(rule):
        words += promise_words(rehearse(session.application, rule), rule.kind)
    if len(found.mails) > SHOWN_MAILS:
        words.append(
            f"The newest {SHOWN_MAILS} mails are shown; `groundswell alerts preview` writes all."
        )
    st.html("".join(f"<p>{escape(sentence)}</p>" for sentence in words))
    _show_mails(session, found)


def _show_mails(session: Session, found: Preview) -> None:
    """Draw the newest mails, each to be opened."""
    zone = viewer(session).zone
    for number, mail in reversed(list(enumerate(found.mails))[-SHOWN_MAILS:]):
        with st.expander(plain(_title(mail, zone)), key=f"gw-preview-{number}"):
            shown = as_shown(mail.write())
            if shown is not None:
                show_mail(shown)


def _title(mail: Foretold, zone: str) -> str:
    return f"{exact(mail.episode.first_alert, zone)}: {mail.words}"
