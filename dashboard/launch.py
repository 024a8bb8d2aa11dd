"""How the dashboard is started: one command, its settings told, nothing called home."""

from __future__ import annotations

import sys
from pathlib import Path

from app.home import CONFIG_VARIABLE, HOME_VARIABLE

SERVER = Path(__file__).parent / "server.py"
NOW_VARIABLE = "GROUNDSWELL_NOW"
"""Holds the clock of a dashboard started with ``--now`` still."""


def command(host: str = "127.0.0.1", port: int = 8501) -> list[str]:
    """Return the command that serves the dashboard; it becomes that one process."""
    return [sys.executable, "-m", "dashboard", host, str(port)]


def environment(config: Path, home: Path, now: str | None = None) -> dict[str, str]:
    """Return the variables by which the command learns what it shows."""
    found = {CONFIG_VARIABLE: str(config.absolute()), HOME_VARIABLE: str(home.absolute())}
    return found if now is None else {**found, NOW_VARIABLE: now}


def streamlit_command(host: str, port: int) -> list[str]:
    """Return Streamlit's own command line, with everything set that a file could change."""
    options = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.enableAgentApi": "false",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "logger.level": "warning",
        # To greet, it would ask a server on the internet for this machine's address.
        "logger.hideWelcomeMessage": "true",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(SERVER), *flags]
