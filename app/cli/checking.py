"""Commands that set up and prove an installation: init, check-config, doctor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from app.cli.session import err, out, session, table
from core.errors import ConfigurationError

SHOWN_HOLIDAYS = 3
"""The next ones, which prove that the right country is configured."""


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(init)
    app.command(name="check-config")(check_config)
    app.command()(doctor)


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to write; it must hold none yet.")],
) -> None:
    """Write a commented starter configuration into a folder.

    Example: groundswell init configs
    """
    from app.configuring import write_starter

    written = write_starter(folder)
    session.show({"folder": folder, "files": [path.name for path in written]}, _written(written))
    session.say(f'Next: `groundswell track "Your brand" --config {folder}`.')


def _written(paths: list[Path]) -> Text:
    return Text("\n".join(f"wrote {path}" for path in paths))


def check_config() -> None:
    """Prove the configuration: every file, key, query and example; all errors at once.

    Example: groundswell check-config --config configs
    """
    from app.bootstrap import system_clock
    from app.calendar import calendar_of
    from core.loading import load_configuration
    from core.settings import masked

    folder = session.config_folder
    try:
        configuration = load_configuration(folder, os.environ)
    except ConfigurationError as error:
        problems = [{"file": p.file, "key": p.key, "message": p.message} for p in error.problems]
        if session.is_json:
            session.show({"valid": False, "problems": problems})
        else:
            for problem in error.problems:
                err.print(Text(str(problem)))
            err.print(Text(f"{len(problems)} to mend in {folder}"))
        raise typer.Exit(2) from error
    data = {"valid": True, "problems": [], "configuration": masked(configuration)}
    shown = table(f"{folder} is right", "kind", ">entries", "names")
    for kind in ("sources", "topics", "alerts", "audiences"):
        entries = getattr(configuration, kind)
        names = ", ".join(entry.name for entry in entries[:6]) + (" ..." if entries[6:] else "")
        shown.add_row(kind, str(len(entries)), Text(names))
    session.show(data, shown)
    accounts = [(topic.name, account) for topic in configuration.topics for account in topic.own]
    if not session.is_json:
        for topic, account in accounts:
            out.print(Text(f"own account of {topic}: {account.service} {account.id}"))
        calendar = calendar_of(configuration.settings, session.now or system_clock())
        for day, name in calendar.next_after(session.now or system_clock(), SHOWN_HOLIDAYS):
            out.print(Text(f"holiday, compared with Sundays: {day:%a %d %b %Y}, {name}"))


def doctor() -> None:
    """Check configuration, engines, models, mail, disk, clock and memory, and say the mend.

    Example: groundswell doctor --json
    """
    from app.doctor import Verdict, examine

    findings = examine(session.config_folder)
    marks = {
        Verdict.OK: "[green]ok[/]",
        Verdict.WARNING: "[yellow]warning[/]",
        Verdict.BAD: "[red]bad[/]",
    }
    shown = table("", "", "what", "finding", "mend")
    for finding in findings:
        shown.add_row(
            marks[finding.verdict], finding.name, Text(finding.message), Text(finding.mend or "")
        )
    session.show({"checks": findings}, shown)
    if any(finding.verdict is Verdict.BAD for finding in findings):
        raise typer.Exit(1)
