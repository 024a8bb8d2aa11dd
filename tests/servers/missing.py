"""What happens when a server cannot be had: a visible skip, and on a build machine a failure."""

import os
from typing import NoReturn

import pytest


class ServerMissingError(Exception):
    """A server cannot be started here; the message says what to install."""


def give_up(error: ServerMissingError) -> NoReturn:
    """Skip the test with the reason, or fail it where `GROUNDSWELL_CI=1` forbids such skips."""
    if os.environ.get("GROUNDSWELL_CI") == "1":
        pytest.fail(f"a server is missing: {error}", pytrace=False)
    pytest.skip(str(error))
