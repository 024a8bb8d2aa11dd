"""Measure how long a mention takes from its arrival in the spool to the mail in the mailbox.

The real enricher and the real evaluation of rules run as processes of their own; mentions arrive
in the spool at a steady rate, and every few seconds one of them is what a keyword rule of its own
waits for. The mailbox is a real SMTP server; the mail of that rule says when it arrived.

    GROUNDSWELL_PUBLIC_DATA=... python -m bench.mail [--rate 200] [--seconds 90] [--workers 2]
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from app.bootstrap import Application, open_application
from core.envelope import Envelope
from core.mention import Channel, Mention, TopicTag
from nlp.evaluation import read_labelled
from tests.servers.smtp import SmtpServer

PORTION_SECONDS = 0.1
PROBE_SECONDS = 3.0
WARM_UP_SECONDS = 20.0
"""Models are loaded and the first rounds made by then."""

GIVE_UP_SECONDS = 120.0
AIM_SECONDS = 60.0

SETTINGS = """\
mail: {{host: 127.0.0.1, port: {port}, security: none, recipients: [press@acme.example],
  per_day: 100000}}
models: {{workers: {workers}}}
"""
TOPICS = "- {name: Acme, query: acme}\n"
ALERTS = """\
- {name: Acme volume, kind: volume_spike, topic: Acme}
- {name: Acme negative, kind: negative_spike, topic: Acme}
"""
PROBE = "- {{name: Probe {0}, kind: keyword, topic: Acme, query: zzprobe{0}}}\n"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.mail")
    parser.add_argument("--rate", type=int, default=200, help="mentions a second")
    parser.add_argument("--seconds", type=int, default=90)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    told = os.environ.get("GROUNDSWELL_PUBLIC_DATA")
    if not told:
        sys.exit("skipped: set GROUNDSWELL_PUBLIC_DATA to the folder of public data sets")
    texts = list(read_labelled(Path(told) / "sentiment" / "en_train.tsv").texts)
    with tempfile.TemporaryDirectory() as folder, SmtpServer() as server:
        sent, received = run(Path(folder), texts, server, options)
    report(sent, received, options)


def run(
    folder: Path, texts: list[str], server: SmtpServer, options: argparse.Namespace
) -> tuple[dict[int, float], dict[int, float]]:
    """Return when each probe was in the spool, and when its first mail was in the mailbox."""
    config, home = folder / "configs", folder / "home"
    config.mkdir()
    values = {"port": server.port, "workers": options.workers}
    (config / "settings.yml").write_text(SETTINGS.format(**values), encoding="utf-8")
    (config / "topics.yml").write_text(TOPICS, encoding="utf-8")
    probes = "".join(map(PROBE.format, range(int(options.seconds / PROBE_SECONDS) + 1)))
    (config / "alerts.yml").write_text(ALERTS + probes, encoding="utf-8")
    application = open_application(config, home, producer="bench")
    environment = {**os.environ, "GROUNDSWELL_HOME": str(home)}
    commands = (("enrich",), ("alerts", "evaluate", "--watch"))
    parts = [
        subprocess.Popen(
            [sys.executable, "-m", "app.cli", "--config", str(config), *words],
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        for words in commands
    ]
    try:
        return feed(application, texts, server, options)
    finally:
        for part in parts:
            part.send_signal(signal.SIGTERM)
        for part in parts:
            part.wait(timeout=60)
        application.close()


def feed(
    application: Application, texts: list[str], server: SmtpServer, options: argparse.Namespace
) -> tuple[dict[int, float], dict[int, float]]:
    """Spool mentions at the rate, probes among them, and read the mailbox meanwhile."""
    sent: dict[int, float] = {}
    received: dict[int, float] = {}
    begun = time.monotonic()
    count, probes = 0, 0
    end = WARM_UP_SECONDS + options.seconds
    while (now := time.monotonic() - begun) < end:
        portion = []
        while count < now * options.rate:
            portion.append(mention(count, f"acme {texts[count % len(texts)]} {count}"))
            count += 1
        if now > WARM_UP_SECONDS + probes * PROBE_SECONDS:
            portion.append(mention(-probes - 1, f"acme zzprobe{probes} {texts[-probes - 1]}"))
            sent[probes] = time.monotonic()
            probes += 1
        application.spool.append([Envelope.of(one) for one in portion])
        look(server, received)
        time.sleep(PORTION_SECONDS)
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while len(received) < len(sent) and time.monotonic() < deadline:
        look(server, received)
        time.sleep(PORTION_SECONDS)
    return sent, received


def look(server: SmtpServer, received: dict[int, float]) -> None:
    """Note which probes the mails that came since the last look name."""
    while server.mails:
        body = server.mails.pop(0).message.get_body(("plain",))
        text = str(body.get_content()) if body is not None else ""
        for number in re.findall(r"zzprobe(\d+)", text):
            received.setdefault(int(number), time.monotonic())


def mention(number: int, text: str) -> Mention:
    """Return a mention as a collector brings it."""
    from app.bootstrap import system_clock

    now = system_clock()
    return Mention(
        id=f"bench-{number}",
        service="bench",
        channel=Channel.SOCIAL,
        text=text,
        published_at=now,
        collected_at=now,
        sources=("bench",),
        topics=(TopicTag(name="Acme"),),
    ).with_version(1)


def report(sent: dict[int, float], received: dict[int, float], options: argparse.Namespace) -> None:
    """Print the percentiles, and how often the aim fits into them."""
    waits = np.array([received[key] - sent[key] for key in sent if key in received])
    lost = len(sent) - len(waits)
    print(f"{options.rate} mentions/s, {len(sent)} probes, {lost} not mailed in time")
    if waits.size:
        p50, p95, most = (float(np.percentile(waits, q)) for q in (50, 95, 100))
        print(f"spool to mailbox: median {p50:.1f} s, p95 {p95:.1f} s, most {most:.1f} s")
        print(f"the aim of {AIM_SECONDS:.0f} s is {AIM_SECONDS / p95:.1f} times the p95")


if __name__ == "__main__":
    main()
