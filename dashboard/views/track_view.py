"""Track your own brand: from a name to its first mentions."""

from __future__ import annotations

import streamlit as st

from app.scope import Preset, Scope
from core.errors import GroundswellError
from dashboard.session import Session, plain
from dashboard.tracking import track
from dashboard.words import escape


def show(session: Session) -> None:
    """Draw the page: a form, then what every source brought."""
    st.html(
        '<p class="gw-lead">Name a brand, and see what was said about it in the last 30 days.</p>'
    )
    with st.form("track", border=False, width=520):
        name = st.text_input("Name, as people write it", placeholder="Acme", max_chars=80)
        handle = st.text_input("Handle (optional)", placeholder="@acme", max_chars=60)
        hashtag = st.text_input("Hashtag (optional)", placeholder="#acme", max_chars=60)
        is_sent = st.form_submit_button("Start listening", type="primary")
    st.caption(
        "Asks Hacker News, Mastodon and Bluesky, which need no account. It writes a topic, its "
        "sources and two alert rules into your configuration; nothing is sent anywhere else."
    )
    _tracked(session)
    if not is_sent:
        return
    if not name.strip():
        st.warning("Type the brand's name first.")
        return
    _track(session, name.strip(), handle.strip() or None, hashtag.strip() or None)


def _tracked(session: Session) -> None:
    topics = session.queries.configuration.topics
    if not topics:
        return
    links = ", ".join(
        f'<a href="{escape(Scope(topics=(t.name,), preset=Preset.MONTH).url("mentions"))}">'
        f"{escape(t.name)}</a>"
        for t in topics
    )
    st.html(f'<p class="gw-quiet">Listening already: {links}</p>')


def _say(line: str) -> None:
    st.markdown(plain(line))


def _track(session: Session, name: str, handle: str | None, hashtag: str | None) -> None:
    with st.status(f"Looking for {plain(name)}", expanded=True) as status:
        try:
            found = track(
                session.application,
                name,
                handle=handle,
                hashtag=hashtag,
                tell=_say,
            )
        except GroundswellError as error:
            status.update(label="That did not work", state="error")
            st.error(plain(str(error)))
            return
        status.update(label=f"Listening to {plain(name)}", state="complete")
    scope = Scope(topics=(found.topic.name,), preset=Preset.MONTH)
    st.page_link(
        st.session_state["pages"]["mentions"],
        label=f"See the mentions of {plain(name)}",
        query_params=scope.parameters(),
        icon=":material/arrow_forward:",
    )
