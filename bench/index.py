"""Compare the embedded index with a plain SQLite FTS5 table, on the same mentions in one run.

Both store the whole mention as JSON and its tokens, and sync every batch to disk. SQLite cuts its
own tokens in C and merges nothing; the index also reads, joins and keeps case. A ratio above 1
says that the index is that many times faster.

    python -m bench.index [--mentions 20000] [--batch 500] [--seed 1]
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

from core.mention import Author, Enrichment, Mention, Sentiment, TopicTag
from core.query.parser import parse
from core.questions import GroupField, Selection
from core.window import TimeWindow
from index.embedded import EmbeddedIndex

START = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 30
HOUR = timedelta(hours=1)
VOCABULARY = 20_000
REPEATS = 9
QUERY = 'acme AND (w3 OR "w5 w1") AND NOT w7'
SQL_QUERY = '(acme AND (w3 OR "w5 w1")) NOT w7'

SCHEMA = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE mentions (number INTEGER PRIMARY KEY, id TEXT UNIQUE, published INTEGER,
                           topic TEXT, sentiment TEXT, state TEXT);
    CREATE INDEX by_topic ON mentions (topic, published);
    CREATE VIRTUAL TABLE words USING fts5 (title, text);
"""


def make_mentions(count: int, seed: int) -> list[Mention]:
    """Return mentions of three brands whose words follow Zipf's law."""
    chance = random.Random(seed)
    words = [f"w{rank}" for rank in range(VOCABULARY)]
    weights = [1 / (rank + 1) for rank in range(VOCABULARY)]
    made = []
    for number in range(count):
        brand = chance.choice(("Acme", "Beta", "Gamma"))
        text = " ".join([brand, *chance.choices(words, weights, k=30), f"#{brand}"])
        made.append(
            Mention(
                id=f"{chance.getrandbits(128):032x}",
                service="web",
                sources=("bench",),
                title=f"On {brand}",
                text=text,
                url=f"https://site{number % 200}.example.com/{number}",
                published_at=START + timedelta(seconds=chance.randrange(DAYS * 86_400)),
                collected_at=START,
                author=Author(service="web", id=str(chance.randrange(5_000)), followers=number),
                topics=(TopicTag(name=brand),),
                enrichment=Enrichment(
                    content_version=(0, 1, ""),
                    enriched_us=1,
                    language="en",
                    sentiment=chance.choice(list(Sentiment)),
                    story_id=f"{number // 2:x}",
                ),
            ).with_version(1)
        )
    return made


class SqliteTable:
    """The peer: one table, one full-text table, one transaction a batch."""

    def __init__(self, path: Path) -> None:
        self._rows = sqlite3.connect(path)
        self._rows.executescript(SCHEMA)

    def add(self, batch: Sequence[Mention]) -> None:
        """Insert mentions that are new."""
        with self._rows:
            for one in batch:
                at = int(one.published_at.timestamp())
                row = (one.id, at, one.topics[0].name, one.sentiment, one.model_dump_json())
                number = self._rows.execute(
                    "INSERT INTO mentions (id, published, topic, sentiment, state) "
                    "VALUES (?, ?, ?, ?, ?)",
                    row,
                ).lastrowid
                self._rows.execute(
                    "INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)",
                    (number, one.title, one.text),
                )

    def histogram(self, topic: str) -> int:
        """Return how many cells the hour x sentiment histogram of a topic has."""
        return len(
            self._rows.execute(
                "SELECT published / 3600, sentiment, count(*) FROM mentions "
                "WHERE topic = ? GROUP BY 1, 2",
                (topic,),
            ).fetchall()
        )

    def newest(self, size: int) -> int:
        """Return how many of the newest mentions of the text query there are."""
        rows = self._rows.execute(
            "SELECT state FROM mentions WHERE number IN "
            "(SELECT rowid FROM words WHERE words MATCH ?) ORDER BY published DESC, id LIMIT ?",
            (SQL_QUERY, size),
        ).fetchall()
        return len([Mention.model_validate_json(row[0]) for row in rows])

    def close(self) -> None:
        """Close the file."""
        self._rows.close()


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(name: str, ours: Sequence[float], peer: Sequence[float], unit: str, per: float) -> None:
    """Print the medians in ``unit`` and their ratio; ``per`` turns seconds into the unit."""
    mine, theirs = median(ours), median(peer)
    if unit == "/s":
        print(f"{name:32} {per / mine:9.0f}/s {per / theirs:9.0f}/s  ratio {theirs / mine:6.2f}")
    else:
        print(f"{name:32} {per * mine:8.2f} ms {per * theirs:8.2f} ms  ratio {theirs / mine:6.2f}")


def size_of(folder: Path) -> float:
    """Return the megabytes of all files in ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def measure(folder: Path, mentions: Sequence[Mention], batch: int) -> None:
    """Fill both stores by turns, ask both the same, and print what it took."""
    (folder / "sqlite").mkdir()
    index = EmbeddedIndex(folder / "index")
    index.setup()
    peer = SqliteTable(folder / "sqlite" / "table.db")
    fill: tuple[list[float], list[float]] = ([], [])
    busy: tuple[list[float], list[float]] = ([], [])
    parts = [mentions[at : at + batch] for at in range(0, len(mentions), batch)]
    # By turns, so that a busy moment of the machine hits both.
    for part in parts:
        writes: tuple[Callable[[], object], ...] = (
            partial(index.apply, part, START),
            partial(peer.add, part),
        )
        for side, write in enumerate(writes):
            before = time.process_time()
            fill[side].append(timed(write))
            busy[side].append((time.process_time() - before) / len(part))
    again = [timed(partial(index.apply, part, START)) for part in parts[:10]]
    window = TimeWindow(START, START + timedelta(days=DAYS))
    brand = Selection(window=window, topics=("Acme",))
    text = Selection(query=parse(QUERY))
    cells = len(index.buckets(brand, HOUR, GroupField.SENTIMENT))
    found = len(index.page(text, 50).mentions)
    if (cells, found) != (peer.histogram("Acme"), peer.newest(50)):
        raise SystemExit("the two do not count and find the same: nothing to compare")
    histograms: tuple[list[float], list[float]] = ([], [])
    pages: tuple[list[float], list[float]] = ([], [])
    for _ in range(REPEATS):
        histograms[0].append(timed(lambda: index.buckets(brand, HOUR, GroupField.SENTIMENT)))
        histograms[1].append(timed(lambda: peer.histogram("Acme")))
        pages[0].append(timed(lambda: index.page(text, 50)))
        pages[1].append(timed(lambda: peer.newest(50)))
    print(f"{len(mentions)} mentions, batches of {batch}   embedded index   SQLite FTS5")
    compare("indexing, median batch", *fill, unit="/s", per=batch)
    compare("CPU time for 1000", *busy, unit="ms", per=1_000_000)
    compare(f"hour x sentiment ({cells} cells)", *histograms, unit="ms", per=1000)
    compare(f"newest {found} of a text query", *pages, unit="ms", per=1000)
    print(f"{'applying known mentions again':32} {batch / median(again):9.0f}/s")
    ours, theirs = size_of(folder / "index"), size_of(folder / "sqlite")
    print(f"{'on disk':32} {ours:8.1f} MB {theirs:8.1f} MB  ratio {theirs / ours:6.2f}")
    index.close()
    peer.close()


def main() -> None:
    """Read the options and measure in a folder that is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentions", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    mentions = make_mentions(options.mentions, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), mentions, options.batch)


if __name__ == "__main__":
    main()
