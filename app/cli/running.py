"""Commands that keep Groundswell going: run, dashboard."""

from __future__ import annotations

import getpass
import subprocess
from typing import Annotated

import typer

from app.cli.collecting import stop_on_signals
from app.cli.session import out, session


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(run)
    app.command()(dashboard)


def run(
    port: Annotated[
        int | None, typer.Option(help="Port of the dashboard; else as configured.")
    ] = None,
    dashboard: Annotated[
        bool, typer.Option("--dashboard/--no-dashboard", help="With or without the dashboard.")
    ] = True,
) -> None:
    """Run everything: collectors, enricher, alerts and dashboard; restart what dies.

    Ctrl-C stops all of it cleanly.
    """
    from app.supervisor import parts_of, supervise

    stop = stop_on_signals()
    with session.application() as application:
        parts = parts_of(application, port=port, has_dashboard=dashboard)
        if dashboard:
            shown_port = port or application.configuration.settings.dashboard.port
            session.say(f"Groundswell is at http://127.0.0.1:{shown_port} (Ctrl-C stops it)")
        supervise(parts, stop)
    session.say("Stopped; nothing was lost.")


def dashboard(
    port: Annotated[int | None, typer.Option(help="Port to listen on; else as configured.")] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; else as configured.")
    ] = None,
    hash_password: Annotated[
        bool, typer.Option("--hash-password", help="Ask for a password and print its hash.")
    ] = False,
) -> None:
    """Open the dashboard on what is stored; collecting needs `groundswell run`."""
    from app.bootstrap import child_environment
    from app.supervisor import dashboard_command

    if hash_password:
        from argon2 import PasswordHasher

        out.print(f"password_hash: {PasswordHasher().hash(getpass.getpass('Password: '))}")
        return
    with session.application() as application:
        settings = application.configuration.settings.dashboard
        words = dashboard_command(host or settings.host, port or settings.port)
        environment = child_environment(application)
    process = subprocess.Popen(words, env=environment)  # noqa: S603 - our own command
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        code = process.wait()
    raise typer.Exit(0 if code in (0, -15, -2, 130, 143) else 1)
