"""What ``streamlit run`` starts: the pages behind the gate."""

from __future__ import annotations

import importlib
import os
import threading
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from app.bootstrap import Application, open_application
from app.home import config_folder, home_folder
from app.instants import parse_instant
from app.secret import kept_key
from core.loading import load_configuration
from dashboard.act_page import ActPage
from dashboard.gate import Access, Gate, Throttle
from dashboard.launch import NOW_VARIABLE


def _warm_up() -> None:
    """Load what the first page needs while the browser is still being opened."""
    for name in ("altair", "scipy.stats", "dashboard.views.overview_view"):
        importlib.import_module(name)


@cache
def access() -> Access:
    """Return what the gate goes by, read when the first request comes."""
    home = home_folder()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = load_configuration(config_folder(None), os.environ).settings
    # Where it really listens, which need not be what settings.yml says; unset is everywhere.
    bound = st.get_option("server.address") or ""
    return Access(
        bound,
        settings.public_url,
        settings.dashboard.password_hash,
        kept_key(home, "dashboard.key"),
    )


def _open() -> Application:
    """Return an application for one link of a mail, at the dashboard's own time."""
    told = os.environ.get(NOW_VARIABLE)
    now = parse_instant(told, datetime.now(UTC)) if told else None
    return open_application(config_folder(None), home_folder(), now, producer="links")


threading.Thread(target=_warm_up, daemon=True).start()

app = st.App(
    Path(__file__).parent / "main.py",
    middleware=[Middleware(Gate, access=access, throttle=Throttle(), act_page=ActPage(_open))],
)
