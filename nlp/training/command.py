"""Train a small model from the command line: ``python -m nlp.training.NAME``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from nlp.model_folder import FolderConfig
from nlp.training.corpus import VARIABLE


def run(name: str, train: Callable[[Path, Path], FolderConfig], folder: Path) -> None:
    """Train by the arguments of the process; the scores go to the terminal.

    ``train`` takes the public data and where to write the model, by default ``folder``.
    """
    parser = argparse.ArgumentParser(
        description=sys.modules["__main__"].__doc__, prog=f"python -m nlp.training.{name}"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get(VARIABLE),
        help=f"folder of public data sets (default: ${VARIABLE})",
    )
    parser.add_argument("--out", type=Path, default=folder)
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error(f"name the data with --data or {VARIABLE}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = train(Path(arguments.data), arguments.out)
    sys.stdout.write(json.dumps(config.scores, indent=2) + "\n")
