"""Score `insights.detect` on public series of Twitter volumes by NAB's rules, one level for all.

GROUNDSWELL_PUBLIC_DATA=... python -m bench.detect [--level 0.55 0.3 1.0]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.nab import PROFILES, normalised, score_file, window_indices
from insights.detect import DEFAULT_LEVEL, detect

Rows = list[tuple[datetime, float]]


def read_series(path: Path) -> Rows:
    """Return the rows of a CSV with the columns timestamp and value; naive times are UTC."""
    with path.open(newline="") as file:
        return [
            (datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC), float(row["value"]))
            for row in csv.DictReader(file)
        ]


def score_folder(folder: Path, level: float) -> tuple[dict[str, float], list[str]]:
    """Return the normalised score of each profile over all files, and a line about each file."""
    labelled = json.loads((folder / "anomaly_windows.json").read_text())
    totals = {profile.name: 0.0 for profile in PROFILES}
    number, lines = 0, []
    for name, bounds in sorted(labelled.items()):
        rows = read_series(folder / name)
        spans = [(_instant(start), _instant(end)) for start, end in bounds]
        windows = window_indices([at for at, _ in rows], spans)
        begun = time.perf_counter()
        alerts = [point.is_alert for point in detect(rows, level)]
        taken = time.perf_counter() - begun
        found = sum(any(alerts[first : last + 1]) for first, last in windows)
        for profile in PROFILES:
            totals[profile.name] += score_file(alerts, windows, profile)
        number += len(windows)
        lines.append(
            f"{name}: {found} of {len(windows)} windows, {sum(alerts)} alerts in "
            f"{len(rows):,} rows, {len(rows) / taken:,.0f} rows/s"
        )
    return {p.name: normalised(totals[p.name], number, p) for p in PROFILES}, lines


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", type=float, nargs="*", default=[DEFAULT_LEVEL])
    asked = parser.parse_args(arguments)
    root = os.environ.get("GROUNDSWELL_PUBLIC_DATA")
    if not root:
        print("skipped: set GROUNDSWELL_PUBLIC_DATA to the folder that holds series/")
        return
    for level in asked.level:
        scores, lines = score_folder(Path(root) / "series", level)
        print(f"level {level:.2f}: " + ", ".join(f"{k} {v:.1f}" for k, v in scores.items()))
        if len(asked.level) == 1:
            print("\n".join(lines))


if __name__ == "__main__":
    main()
