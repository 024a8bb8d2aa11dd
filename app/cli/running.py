"""Commands that keep Groundswell going: run, dashboard."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer
from rich.text import Text

from app.cli.collecting import stop_on_signals
from app.cli.session import session


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

    A changed configuration is taken up by itself, once it is right. Ctrl-C stops all of it
    cleanly.

    Example: groundswell run --port 9000
    """
    from app.supervisor import PartCommand, check_port, parts_of, renewal, supervise

    def load() -> list[PartCommand]:
        with session.application() as opened:
            return parts_of(opened, port=port, has_dashboard=dashboard, now=session.now)

    stop = stop_on_signals()
    parts = load()
    with session.application() as application:
        if dashboard:
            settings = application.configuration.settings.dashboard
            check_port(settings.host, port or settings.port)
            address = f"http://{settings.host}:{port or settings.port}"
            session.say(f"Groundswell is at {address} (Ctrl-C stops it)")
    supervise(parts, stop, renew=renewal(session.config_folder, load))
    session.show({"parts": [part.name for part in parts]}, Text("Stopped; nothing was lost."))


def dashboard(
    port: Annotated[int | None, typer.Option(help="Port to listen on; else as configured.")] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; else as configured.")
    ] = None,
    hash_password: Annotated[
        bool, typer.Option("--hash-password", help="Ask for a password and print its hash.")
    ] = False,
) -> None:
    """Open the dashboard on what is stored; collecting needs `groundswell run`.

    Example: groundswell dashboard --port 9000
    """
    from app.supervisor import check_port, dashboard_part, run_part

    if hash_password:
        from argon2 import PasswordHasher

        made = PasswordHasher().hash(getpass.getpass("Password: "))
        session.show({"password_hash": made}, Text(f"password_hash: {made}"))
        return
    stop = stop_on_signals()
    with session.application() as application:
        settings = application.configuration.settings.dashboard
        address = host or settings.host, port or settings.port
        check_port(*address)
        part = dashboard_part(application, *address, session.now)
    session.say(f"The dashboard is at http://{address[0]}:{address[1]} (Ctrl-C stops it)")
    code = run_part(part, stop)
    session.show({"address": f"http://{address[0]}:{address[1]}"}, "Stopped.")
    if code != 0:
        raise typer.Exit(1)
