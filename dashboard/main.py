"""The dashboard's frame: look, navigation, and what to say when something is down."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from core.errors import ConfigurationError, GroundswellError
from dashboard import session as sessions
from dashboard.views import (
    alerts_view,
    mentions_view,
    overview_view,
    sources_view,
    track_view,
)

HERE = Path(__file__).parent

st.set_page_config(page_title="Groundswell", page_icon=str(HERE / "mark.svg"), layout="wide")
st.html(HERE / "style.css")
st.logo(str(HERE / "mark.svg"), size="large")


def show_problem(error: GroundswellError) -> None:
    """Say what is wrong and what to do, instead of a page."""
    if isinstance(error, ConfigurationError):
        st.error("The configuration has to be mended first.", icon=":material/build:")
        for problem in error.problems:
            st.markdown(f"- {sessions.plain(str(problem))}")
        st.caption("`groundswell check-config` shows the same. This page looks again by itself.")
        return
    st.error("The stored mentions cannot be reached right now.", icon=":material/cloud_off:")
    st.markdown(sessions.plain(str(error)))
    st.caption(
        "Nothing is lost: what is collected waits in the spool. `groundswell doctor` says more."
    )


def page(draw: object) -> None:
    """Draw one page, or say what is in its way."""
    try:
        session = sessions.open_session()
        draw(session)  # type: ignore[operator]  # a view's show function
    except GroundswellError as error:
        show_problem(error)


PAGES = [
    st.Page(
        partial(page, overview_view.show),
        title="Overview",
        url_path="overview",
        icon=":material/waves:",
        default=True,
    ),
    st.Page(
        partial(page, mentions_view.show),
        title="Mentions",
        url_path="mentions",
        icon=":material/forum:",
    ),
    st.Page(
        partial(page, alerts_view.show),
        title="Alerts",
        url_path="alerts",
        icon=":material/notifications:",
    ),
    st.Page(
        partial(page, sources_view.show),
        title="Sources",
        url_path="sources",
        icon=":material/sensors:",
    ),
    st.Page(
        partial(page, track_view.show),
        title="Track your own brand",
        url_path="track",
        icon=":material/add_circle:",
    ),
]

st.session_state["pages"] = {entry.url_path or "overview": entry for entry in PAGES}
st.navigation(PAGES, position="top").run()
