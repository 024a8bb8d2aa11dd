"""The demo's folder: what it stores, and which stream it was begun with."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from platformdirs import user_data_path

from app.home import HOME_VARIABLE
from core.errors import UsageError

MARKER = "demo.json"
FRESH = timedelta(hours=6)
"""How long a stored demo can go on: after that its open crisis is an old one."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What decides the stream and where it is served; kept, so that a second start goes on."""

    now: datetime
    seed: int
    port: int
    jetstream_port: int


def demo_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the demo's folder: GROUNDSWELL_HOME, else one of its own in the user's data."""
    named = environment.get(HOME_VARIABLE)
    return Path(named).expanduser().absolute() if named else user_data_path("groundswell-demo")


def read_beginning(home: Path) -> Beginning | None:
    """Return how the demo in ``home`` began; None where there is none that can be read."""
    try:
        data = json.loads((home / MARKER).read_text(encoding="utf-8"))
        return Beginning(
            datetime.fromisoformat(data["now"]),
            int(data["seed"]),
            int(data["port"]),
            int(data["jetstream_port"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_beginning(home: Path, beginning: Beginning) -> None:
    """Keep ``beginning`` in ``home``, which is made where it is missing."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = {
        "now": beginning.now.isoformat(),
        "seed": beginning.seed,
        "port": beginning.port,
        "jetstream_port": beginning.jetstream_port,
    }
    (home / MARKER).write_text(json.dumps(data), encoding="utf-8")


def check_home(home: Path) -> None:
    """Raise UsageError if ``home`` holds something that the demo did not put there."""
    if home.is_dir() and any(home.iterdir()) and not (home / MARKER).is_file():
        raise UsageError(
            f"{home} holds data that is not the demo's; set {HOME_VARIABLE} to another folder"
        )


def remove_home(home: Path) -> None:
    """Delete all that the demo stored. Raises UsageError for a folder that is not the demo's."""
    check_home(home)
    if home.is_dir():
        shutil.rmtree(home)


def is_fresh(beginning: Beginning, now: datetime) -> bool:
    """Return whether a demo that began so can go on at ``now``."""
    return timedelta(0) <= now - beginning.now < FRESH
