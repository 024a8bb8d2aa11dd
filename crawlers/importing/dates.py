"""Which date format a file uses: the one that parses every row.

A row that no format parses is damaged and counts for none. Where two formats parse all other
rows and mean different days, the file alone cannot say which is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import combinations

from core.errors import UsageError

_NUMERIC = re.compile(
    r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})"
    r"(?:(?:,? +|T)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?: ?([AaPp])\.?[Mm]\.?)?)?"
    r"(?: ?(Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
)
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?")
_EPOCH_MILLISECONDS = re.compile(r"\d{12,13}")
_TWITTER = "%a %b %d %H:%M:%S %z %Y"
_CENTURY = 2000
_YEARS_OF_1900 = 70

Parse = Callable[[str], datetime | None]


@dataclass(frozen=True, slots=True)
class DateFormat:
    """A way to read a date; ``parse`` returns None for what it cannot read, or a naive time."""

    name: str
    parse: Parse


def _iso(value: str) -> datetime | None:
    # Bare digits are an epoch or a row number; Python would take them for YYYYMMDD.
    if value.isdigit():
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return _ordered(value, "ymd")


def _rfc2822(value: str) -> datetime | None:
    if not value[:1].isalpha() and "," not in value[:5] and not value[2:4].strip().isalpha():
        return None
    try:
        return parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _twitter(value: str) -> datetime | None:
    return _strptime(value, _TWITTER) if value[:1].isalpha() else None


def _strptime(value: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(value, pattern)  # noqa: DTZ007 - the zone is the caller's
    except ValueError:
        return None


def _epoch_seconds(value: str) -> datetime | None:
    return datetime.fromtimestamp(float(value), UTC) if _EPOCH.fullmatch(value) else None


def _epoch_milliseconds(value: str) -> datetime | None:
    if not _EPOCH_MILLISECONDS.fullmatch(value):
        return None
    return datetime.fromtimestamp(int(value) / 1000, UTC)


def _ordered(value: str, order: str) -> datetime | None:
    """Read numbers between like separators; ``order`` says which is day, month and year."""
    match = _NUMERIC.fullmatch(value)
    if match is None:
        return None
    first, _, second, third = match.group(1, 2, 3, 4)
    parts = dict(zip(order, (first, second, third), strict=True))
    if len(parts["y"]) == 3 or len(parts["d"]) > 2 or len(parts["m"]) > 2:
        return None
    if order == "ymd" and len(parts["y"]) != 4:
        return None
    year = int(parts["y"])
    if len(parts["y"]) <= 2:
        year += _CENTURY if year < _YEARS_OF_1900 else 1900
    hour, minute, second_of_minute = (int(match[group] or 0) for group in (5, 6, 7))
    half = (match[9] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        read = datetime(year, int(parts["m"]), int(parts["d"]), hour, minute, second_of_minute)  # noqa: DTZ001 - the zone follows
    except ValueError:
        return None
    return _with_offset(read, match[10])


def _with_offset(read: datetime, offset: str | None) -> datetime:
    if offset is None:
        return read
    if offset in ("Z", "UTC", "GMT"):
        return read.replace(tzinfo=UTC)
    sign = -1 if offset[0] == "-" else 1
    shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    return (read - sign * shift).replace(tzinfo=UTC)


FORMATS = (
    DateFormat("iso", _iso),
    DateFormat("d/m/y", lambda value: _ordered(value, "dmy")),
    DateFormat("m/d/y", lambda value: _ordered(value, "mdy")),
    DateFormat("rfc2822", _rfc2822),
    DateFormat("twitter", _twitter),
    DateFormat("epoch-s", _epoch_seconds),
    DateFormat("epoch-ms", _epoch_milliseconds),
)
"""What is tried, by the name that ``--date-format`` takes; separators are ``/``, ``-`` or ``.``."""


def named_format(name: str) -> DateFormat:
    """Return the format called ``name``, or the one of a strptime pattern.

    Raises UsageError for anything else.
    """
    for known in FORMATS:
        if known.name == name.lower():
            return known
    if "%" not in name:
        names = ", ".join(known.name for known in FORMATS)
        raise UsageError(
            f"--date-format {name!r}: use one of {names}, or a pattern such as %d.%m.%Y %H:%M"
        )
    try:
        datetime.strptime("", name)  # noqa: DTZ007 - only whether the pattern is one is asked
    except ValueError as err:
        if "directive" in str(err) or "stray" in str(err):
            raise UsageError(f"--date-format {name!r}: {err}") from err
    return DateFormat(name, lambda value: _strptime(value, name))


@dataclass(frozen=True, slots=True)
class _Example:
    row: int
    value: str


@dataclass
class DateFormatDetector:
    """Sees the dates of all rows, then names the format. Constant memory."""

    _alive: list[DateFormat] = field(default_factory=lambda: list(FORMATS))
    _killed_by: dict[str, _Example] = field(default_factory=dict)
    _differ: dict[tuple[str, str], _Example] = field(default_factory=dict)
    _seen: int = 0
    _last: str = ""

    @property
    def has_seen(self) -> bool:
        """Whether any date was read so far."""
        return self._seen > 0

    def add(self, row: int, value: str) -> None:
        """Take the date of one row into account."""
        if value == self._last:
            return
        self._last = value
        read = {known.name: known.parse(value) for known in self._alive}
        good = {name: at for name, at in read.items() if at is not None}
        if not good:
            dead = (known for known in FORMATS if known.name not in read)
            if not any(known.parse(value) for known in dead):
                return
        self._seen += 1
        for name in read.keys() - good.keys():
            self._killed_by[name] = _Example(row, value)
        self._alive = [known for known in self._alive if known.name in good]
        for left, right in combinations(good, 2):
            if good[left] != good[right]:
                self._differ.setdefault((left, right), _Example(row, value))

    def result(self) -> DateFormat:
        """Return the format of the file. Raises UsageError where no or no one format is left."""
        if not self._seen:
            raise UsageError(
                "no row holds a date that can be read; name the column with "
                "--map published_at=COLUMN and the format with --date-format"
            )
        if not self._alive:
            raise UsageError(
                "no one date format parses every row: "
                + "; ".join(self._why_not())
                + "; say which with --date-format"
            )
        for (left, right), example in self._differ.items():
            names = {known.name for known in self._alive}
            if {left, right} <= names:
                raise UsageError(
                    f"the dates fit both {left} and {right}, e.g. {example.value!r} in row "
                    f"{example.row}; say which with --date-format {left} or --date-format {right}"
                )
        return self._alive[0]

    def _why_not(self) -> Iterator[str]:
        last = list(self._killed_by.items())[-2:]
        for name, example in last:
            yield f"{name} fails at row {example.row} ({example.value[:40]!r})"
