"""Commands that tell and hand out: alerts, audience."""

from __future__ import annotations

import typer

alerts = typer.Typer(
    help="Rules, what they found, and what they would have told.", no_args_is_help=True
)
audience = typer.Typer(help="Segments of authors, and their exports.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.add_typer(alerts, name="alerts")
    app.add_typer(audience, name="audience")
