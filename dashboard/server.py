"""What ``streamlit run`` starts: the pages behind the gate."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from app.home import config_folder, home_folder
from core.loading import load_configuration
from dashboard.gate import Access, Gate, Throttle, load_secret


@cache
def access() -> Access:
    """Return what the gate goes by, read when the first request comes."""
    home = home_folder()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = load_configuration(config_folder(None), os.environ).settings
    return Access(settings.public_url, settings.dashboard.password_hash, load_secret(home))


app = st.App(
    Path(__file__).parent / "main.py",
    middleware=[Middleware(Gate, access=access, throttle=Throttle())],
)
