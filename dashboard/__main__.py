"""Becomes the dashboard's server: ``python -m dashboard CONFIG HOME HOST PORT [NOW]``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dashboard.launch import environment, streamlit_command


def main(arguments: list[str]) -> None:
    """Replace this process by Streamlit, so that who stops it stops the dashboard."""
    config, home, host, port, *now = arguments
    told = environment(Path(config), Path(home), now[0] if now else None)
    words = streamlit_command(host, int(port))
    os.execve(words[0], words, {**os.environ, **told})  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
