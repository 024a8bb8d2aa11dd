"""The entry point: global options, exit codes, and where each command is found."""

from __future__ import annotations

import logging
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated

import structlog
import typer

from app.cli import (
    asking,
    checking,
    collecting,
    evaluating,
    quality,
    running,
    telling,
    training,
)
from app.cli.session import hoisted, session
from app.instants import parse_instant
from core.errors import ConfigurationError, FatalError, GroundswellError, QueryError, UsageError

EPILOG = (
    "Global options are accepted before and after the command. "
    "Exit codes: 0 done, 1 failed, 2 usage or configuration."
)

app = typer.Typer(
    name="groundswell",
    help="Listens to what is said in public about a brand and tells the people who must know.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
MODULES = (checking, collecting, asking, evaluating, quality, telling, running, training)
for module in MODULES:
    module.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"groundswell {metadata.version('groundswell')}")
        raise typer.Exit


@app.callback()
def _options(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="DIR",
            help="Configuration folder; else GROUNDSWELL_CONFIG, else ./configs.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document; logs go to stderr.")
    ] = False,
    now: Annotated[
        str | None,
        typer.Option("--now", metavar="ISO", help="Work as of that instant instead of now."),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    session.config = config
    session.is_json = as_json
    if now is None:
        session.now = None
        return
    # Here, because what builds the application takes half a second that --help need not.
    from app.bootstrap import system_clock

    session.now = parse_instant(now, system_clock())
    if not 1971 <= session.now.year <= 9998:
        raise UsageError(f"--now {now}: nothing is known of that year")


def main() -> None:
    """Run the command line and exit with 0 (done), 1 (failed) or 2 (usage or configuration)."""
    # What is stored and exported is the user's alone, whatever the folder it is put in allows.
    os.umask(0o077)
    _set_up_logging()
    try:
        app(hoisted(sys.argv[1:]))
    except (UsageError, ConfigurationError, QueryError) as error:
        _fail(error, 2)
    except GroundswellError as error:
        _fail(error, 1)
    except KeyboardInterrupt:
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; that is no failure of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(FatalError(f"{where}{error.strerror or error}"), 1)


def _fail(error: GroundswellError, code: int) -> None:
    if isinstance(error, QueryError):
        sys.stderr.write(f"{error.query}\n{' ' * (error.column - 1)}^\n")
    sys.stderr.write(f"groundswell: {error}\n")
    sys.exit(code)


def _set_up_logging() -> None:
    """Log events with their fields to stderr, readable on a terminal, as JSON elsewhere."""
    is_terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if is_terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
