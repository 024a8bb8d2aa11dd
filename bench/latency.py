"""Measure how long a mention takes from its arrival in the spool until the index shows it.

The real enricher (`groundswell enrich`, a process of its own, on the default models) drains a
spool into which mentions arrive at a steady rate, in portions as collectors bring them. Another
reader of the index looks ten times a second how many it finds; mentions become visible in the
order of their arrival, so the n-th was visible when n were found. Texts are English tweets, each
once, so that nothing is remembered from an earlier copy.

    GROUNDSWELL_PUBLIC_DATA=... python -m bench.latency [--rate 200] [--seconds 60] [--workers 2]
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.bootstrap import Application, open_application
from core.envelope import Envelope
from core.mention import Channel, Mention, TopicTag
from core.questions import Selection
from nlp.evaluation import read_labelled

Times = npt.NDArray[np.float64]

PORTION_SECONDS = 0.1
LOOK_SECONDS = 0.1
GIVE_UP_SECONDS = 120
WARM_UP = 200
"""Mentions that go through before it counts: models are loaded by then."""

EVERYTHING = Selection(include_own=True, include_irrelevant=True)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.latency")
    parser.add_argument("--rate", type=int, default=200, help="mentions a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-entities", action="store_true", help="leave names out")
    options = parser.parse_args()
    told = os.environ.get("GROUNDSWELL_PUBLIC_DATA")
    if not told:
        sys.exit("skipped: set GROUNDSWELL_PUBLIC_DATA to the folder of public data sets")
    texts = list(read_labelled(Path(told) / "sentiment" / "en_train.tsv").texts)
    wanted = WARM_UP + options.rate * options.seconds
    if len(texts) < wanted:
        sys.exit(f"{wanted:,} texts are needed, there are {len(texts):,}: choose fewer seconds")
    with tempfile.TemporaryDirectory() as folder:
        arrived, seen = run(Path(folder), texts[:wanted], options)
    report(arrived, seen, options)


def run(folder: Path, texts: list[str], options: argparse.Namespace) -> tuple[Times, Times]:
    """Return when each mention arrived and when it was first seen, NaN for never."""
    config, home = folder / "configs", folder / "home"
    config.mkdir()
    entities = "false" if options.no_entities else "true"
    (config / "settings.yml").write_text(f"models: {{entities: {entities}}}\n", encoding="utf-8")
    (config / "topics.yml").write_text("- {name: All, query: '*:*'}\n", encoding="utf-8")
    words = ["--config", str(config), "enrich", "--workers", str(options.workers)]
    enricher = subprocess.Popen(
        [sys.executable, "-m", "app.cli", *words],
        env={**os.environ, "GROUNDSWELL_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    )
    application = open_application(config, home, producer="bench")
    try:
        application.spool.append([_envelope(n, text) for n, text in enumerate(texts[:WARM_UP])])
        _wait_for(application, WARM_UP, enricher)
        return _stream(application, texts, options.rate)
    finally:
        enricher.send_signal(signal.SIGTERM)
        enricher.wait()
        application.close()


def _wait_for(application: Application, count: int, enricher: subprocess.Popen[bytes]) -> None:
    """Wait until the index shows ``count`` mentions."""
    while _found(application) < count:
        if enricher.poll() is not None:
            sys.exit("the enricher ended; what it says stands above")
        time.sleep(LOOK_SECONDS)


def _stream(application: Application, texts: list[str], rate: int) -> tuple[Times, Times]:
    """Let the mentions arrive and look for them."""
    arrived, seen = np.full(len(texts), np.nan), np.full(len(texts), np.nan)
    started = time.monotonic()
    put, found, last_look = WARM_UP, WARM_UP, 0.0
    ends = (len(texts) - WARM_UP) / rate + GIVE_UP_SECONDS
    while found < len(texts) and time.monotonic() - started < ends:
        due = min(WARM_UP + int((time.monotonic() - started) * rate), len(texts))
        if due > put:
            # Each counts from when it was due, also where the disk made the whole portion late.
            arrived[put:due] = started + (np.arange(put, due) - WARM_UP) / rate
            application.spool.append([_envelope(n, texts[n]) for n in range(put, due)])
            put = due
        if time.monotonic() - last_look >= LOOK_SECONDS:
            last_look = time.monotonic()
            now_found = _found(application)
            seen[found:now_found] = time.monotonic()
            found = max(found, now_found)
        time.sleep(min(PORTION_SECONDS, LOOK_SECONDS) / 2)
    return arrived[WARM_UP:], seen[WARM_UP:]


def _found(application: Application) -> int:
    application.index.refresh()
    return application.index.count(EVERYTHING)


def _envelope(number: int, text: str) -> Envelope:
    mention = Mention(
        id=f"m{number}",
        service="bench",
        channel=Channel.SOCIAL,
        text=text,
        topics=(TopicTag(name="All", query_version=1, matched=True),),
    )
    return Envelope.of(mention.with_version(number + 1))


def report(arrived: Times, seen: Times, options: argparse.Namespace) -> None:
    """Print the percentiles, and whether the enricher kept up."""
    waited = seen - arrived
    lost = int(np.isnan(waited).sum())
    halves = np.array_split(waited, 2)
    print(
        f"{options.rate} mentions/s for {options.seconds} s, {options.workers} workers, names "
        f"{'left out' if options.no_entities else 'found'}"
    )
    if lost:
        print(f"{lost:,} of {len(waited):,} were not visible {GIVE_UP_SECONDS} s after the end")
    for name, part in (("all", waited), ("first half", halves[0]), ("second half", halves[1])):
        values = np.nanpercentile(part, (50, 95, 99))
        print(f"{name:12} p50 {values[0]:.2f} s  p95 {values[1]:.2f} s  p99 {values[2]:.2f} s")
    rate = len(waited) / (np.nanmax(seen) - np.nanmin(arrived))
    print(f"visible at {rate:.0f} mentions/s" + (": it fell behind" if _grows(halves) else ""))


def _grows(halves: list[Times]) -> bool:
    """Whether the second half waited much longer: then more arrive than are done."""
    first, second = (float(np.nanmedian(half)) for half in halves)
    return second > 1.5 * first + 1


if __name__ == "__main__":
    main()
