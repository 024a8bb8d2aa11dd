"""Where everything that is stored lives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_data_path

HOME_VARIABLE = "GROUNDSWELL_HOME"
CONFIG_VARIABLE = "GROUNDSWELL_CONFIG"
DEFAULT_CONFIG = "configs"


def home_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of all that is stored: GROUNDSWELL_HOME, else the user's data folder."""
    named = environment.get(HOME_VARIABLE)
    return Path(named).expanduser().absolute() if named else user_data_path("groundswell")


def config_folder(named: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the configuration folder: as named, else GROUNDSWELL_CONFIG, else ``configs``."""
    return named or Path(environment.get(CONFIG_VARIABLE, DEFAULT_CONFIG))
