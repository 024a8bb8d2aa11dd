"""The dashboard's frame: look, navigation, and what to say when something is down."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from dashboard import shell
from dashboard.gate import Gate, is_open
from dashboard.views import (
    alerts_view,
    mentions_view,
    overview_view,
    quality_view,
    sources_view,
    track_view,
)

HERE = Path(__file__).parent

st.set_page_config(page_title="Groundswell", page_icon=str(HERE / "mark.svg"), layout="wide")
st.html(HERE / "style.css")
st.logo(str(HERE / "mark.svg"), size="large")


def is_unguarded() -> bool:
    """Return whether this script was started by itself and is asked for from outside."""
    headers = [(key.lower().encode(), value.encode()) for key, value in st.context.headers.items()]
    bound = st.get_option("server.address") or ""
    # Streamlit does not name an address of this machine.
    client = st.context.ip_address or "127.0.0.1"
    return bool(headers) and not Gate.is_standing and not is_open(bound, client, headers, None)


if is_unguarded():
    st.error("Start the dashboard with `groundswell dashboard`: it guards what is shown here.")
    st.stop()

PAGES = [
    st.Page(
        partial(shell.draw, overview_view.show),
        title="Overview",
        url_path="overview",
        icon=":material/waves:",
        default=True,
    ),
    st.Page(
        partial(shell.draw, mentions_view.show),
        title="Mentions",
        url_path="mentions",
        icon=":material/forum:",
    ),
    st.Page(
        partial(shell.draw, alerts_view.show),
        title="Alerts",
        url_path="alerts",
        icon=":material/notifications:",
    ),
    st.Page(
        partial(shell.draw, sources_view.show),
        title="Sources",
        url_path="sources",
        icon=":material/sensors:",
    ),
    st.Page(
        partial(shell.draw, quality_view.show),
        title="Quality",
        url_path="quality",
        icon=":material/rule:",
    ),
    st.Page(
        partial(shell.draw, track_view.show),
        title="Track your own brand",
        url_path="track",
        icon=":material/add_circle:",
    ),
]

st.session_state["pages"] = {entry.url_path or "overview": entry for entry in PAGES}
st.navigation(PAGES, position="top").run()
