"""Becomes the dashboard's server: ``python -m dashboard HOST PORT``.

Which configuration and home it shows, GROUNDSWELL_CONFIG and GROUNDSWELL_HOME say.
"""

from __future__ import annotations

import os
import sys

from dashboard.launch import streamlit_command


def main(host: str = "127.0.0.1", port: str = "8501") -> None:
    """Replace this process by Streamlit, so that who stops it stops the dashboard."""
    # What the home folder holds is the user's alone, whatever the folder itself allows.
    os.umask(0o077)
    words = streamlit_command(host, int(port))
    os.execv(words[0], words)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(*sys.argv[1:])
