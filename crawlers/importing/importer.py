"""Imports one file: finds out how it is written, then hands its rows over in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import UsageError
from core.mention import Mention
from core.ports import Delivery, Sink
from crawlers.importing.dates import DateFormat, DateFormatDetector, named_format
from crawlers.importing.encodings import Encoding, check_encoding, detect_encoding
from crawlers.importing.mapping import ImportOptions, RowReader, cell, complete_mapping
from crawlers.importing.records import Record, SkippedRow, columns_of, kind_of, read_records

BATCH = 1_000
MAX_EXAMPLES = 3
PROGRESS_EVERY = 1_000

Progress = Callable[[int, int], None]


@dataclass
class ImportReport:
    """What became of the rows: ``rows`` = ``stored`` + ``duplicates`` + the sum of ``skipped``.

    ``notes`` say what was found out about the file; ``examples`` name the first rows skipped for
    each reason.
    """

    rows: int = 0
    stored: int = 0
    duplicates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def skip(self, row: SkippedRow) -> None:
        """Count a row that was not taken."""
        self.skipped[row.reason] += 1
        examples = self.examples.setdefault(row.reason, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(f"row {row.row}" + (f": {row.detail}" if row.detail else ""))


@dataclass(frozen=True)
class _Plan:
    """How one file is written."""

    path: Path
    encoding: Encoding | None
    delimiter: str | None
    mapping: dict[str, str]
    dates: DateFormat

    def records(self) -> Iterator[Record | SkippedRow]:
        return read_records(self.path, self.encoding, self.delimiter)


def import_file(
    path: Path,
    options: ImportOptions,
    sink: Sink,
    progress: Progress,
    clock: Callable[[], datetime],
) -> ImportReport:
    """Read the file at ``path`` twice (for its dates, for its rows) and deliver its mentions.

    ``progress`` is called with bytes done and bytes in all. Raises UsageError where the file, the
    mapping or the dates leave open how to read it; nothing was delivered then.
    """
    report = ImportReport()
    plan = _plan(path, options, report, progress)
    reader = RowReader(options, plan.mapping, plan.dates, clock())
    for batch in _batches(_mentions(plan, reader, report, progress)):
        receipt = sink.deliver(Delivery(options.source, batch))
        report.stored += receipt.new
        report.duplicates += receipt.duplicates
        for reason, count in (
            ("no_topic", receipt.unmatched),
            ("over_budget", receipt.sampled_out),
        ):
            if count:
                report.skipped[reason] += count
    size = path.stat().st_size
    progress(2 * size, 2 * size)
    return report


def _plan(path: Path, options: ImportOptions, report: ImportReport, progress: Progress) -> _Plan:
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")
    encoding = None
    if kind_of(path) != "parquet":
        encoding = check_encoding(options.encoding) if options.encoding else detect_encoding(path)
        if encoding.note:
            report.notes.append(encoding.note)
    try:
        ZoneInfo(options.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise UsageError(f"--time-zone {options.time_zone!r}: no such time zone") from err
    columns = columns_of(path, encoding, options.delimiter)
    mapping, notes = complete_mapping(options.mapping, columns)
    report.notes += notes
    if options.date_format:
        dates = named_format(options.date_format)
    else:
        dates = _detect_dates(path, encoding, options, mapping, progress)
        report.notes.append(f"dates are read as {dates.name}")
    return _Plan(path, encoding, options.delimiter, mapping, dates)


def _detect_dates(
    path: Path,
    encoding: Encoding | None,
    options: ImportOptions,
    mapping: dict[str, str],
    progress: Progress,
) -> DateFormat:
    detector = DateFormatDetector()
    total = 2 * path.stat().st_size
    is_native = False
    for count, record in enumerate(read_records(path, encoding, options.delimiter)):
        if count % PROGRESS_EVERY == 0:
            progress(record.position, total)
        if isinstance(record, SkippedRow):
            continue
        value = cell(record.values, mapping["published_at"])
        if isinstance(value, datetime):
            is_native = True
        elif value not in (None, ""):
            detector.add(record.row, str(value).strip())
    if is_native and not detector.has_seen:
        return named_format("iso")
    return detector.result()


def _mentions(
    plan: _Plan, reader: RowReader, report: ImportReport, progress: Progress
) -> Iterator[Mention]:
    size = plan.path.stat().st_size
    for record in plan.records():
        report.rows += 1
        if report.rows % PROGRESS_EVERY == 0:
            progress(size + record.position, 2 * size)
        outcome = record if isinstance(record, SkippedRow) else reader.mention(record)
        if isinstance(outcome, SkippedRow):
            report.skip(outcome)
        else:
            yield outcome


def _batches(mentions: Iterator[Mention]) -> Iterator[list[Mention]]:
    while batch := list(islice(mentions, BATCH)):
        yield batch
