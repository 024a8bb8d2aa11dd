"""The fixture through which tests ask for the mock server."""

from collections.abc import Iterator

import pytest

from tests.mockserver.server import MockServer


@pytest.fixture
def mock_server() -> Iterator[MockServer]:
    """Return a mock server of the test's own, without routes."""
    with MockServer() as server:
        yield server
