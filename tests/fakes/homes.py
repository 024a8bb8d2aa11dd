"""A home that holds the scenario, in the real index, state and spool."""

from __future__ import annotations

from pathlib import Path

from app.bootstrap import Application, open_application
from tests.fakes import scenario


def fill_home(folder: Path, settings: str = "") -> Path:
    """Write the scenario's configuration and mentions into ``folder``; return it."""
    scenario.write_configuration(folder / "configs", settings)
    application = open_scenario(folder, writes=True)
    application.index.apply(scenario.mentions(), scenario.NOW)
    scenario.fill_state(application.state)
    application.state.save_incident(scenario.incident())
    scenario.tell_incident(application.state)
    application.close()
    return folder


def empty_home(folder: Path) -> Path:
    """Write a configuration without topics or sources into ``folder``; return it."""
    (folder / "configs").mkdir(parents=True)
    (folder / "configs" / "topics.yml").write_text("[]\n", encoding="utf-8")
    return folder


def open_scenario(folder: Path, *, writes: bool = False) -> Application:
    """Open the application of a folder made by ``fill_home``, at the scenario's time."""
    return open_application(
        folder / "configs", folder / "home", scenario.NOW, writes=writes, producer="test"
    )


def drain(application: Application) -> int:
    """Put everything that waits in the spool into the index, as the enricher does; count it."""
    count = 0
    while entries := application.spool.read(500):
        fragments = [entry.envelope.fragment() for entry in entries if entry.envelope]
        application.index.apply(fragments, application.clock())
        application.spool.acknowledge(entries)
        count += len(entries)
    application.index.refresh()
    return count
