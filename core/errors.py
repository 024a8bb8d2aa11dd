"""Every error Groundswell raises on purpose.

GroundswellError
├── ConfigurationError      a file, key or value of the configuration is wrong (exit code 2)
├── UsageError              a command was called with words it does not know (exit code 2)
├── QueryError              a query cannot be understood; carries the column
├── RetryableError          may work later: network down, server busy, disk briefly full
│   ├── FetchError          a source did not answer as it should
│   ├── MailUnavailable     the mail server cannot be used, whatever the message
│   └── EngineUnavailable   the index, spool or state engine cannot be reached
├── QuarantineError         this one item cannot be processed; others can
│   ├── BadInputError       a row, entry or payload is malformed
│   └── CorruptEntryError   a stored spool entry fails its checksum
└── FatalError              going on would lose or damage data
    ├── LockedError         another process writes the embedded index
    ├── DurabilityError     an fsync failed; what was written may not be on disk
    └── ModelError          a model's files are missing, damaged or do not fit
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class GroundswellError(Exception):
    """Base of all errors raised on purpose. The message is fit for a user to read."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration: where it stands and what would be allowed there."""

    file: str
    key: str
    message: str

    def __str__(self) -> str:
        """Return ``file: key: message``, leaving out what is empty."""
        return ": ".join(part for part in (self.file, self.key, self.message) if part)


class ConfigurationError(GroundswellError):
    """The configuration is wrong; every problem found is listed at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageError(GroundswellError):
    """A command was called in a way it does not allow."""


class QueryError(GroundswellError):
    """A query cannot be understood. ``column`` counts from 1 in the query's text."""

    def __init__(self, message: str, query: str, column: int) -> None:
        self.message = message
        self.query = query
        self.column = column
        super().__init__(f"{message} (column {column})")


class RetryableError(GroundswellError):
    """It may work later; the caller backs off and tries again."""


class FetchError(RetryableError):
    """A source did not answer as it should."""


class EngineUnavailable(RetryableError):  # noqa: N818 - it names a state, not a mistake
    """The index, the spool or the state database cannot be reached."""


class MailUnavailable(RetryableError):  # noqa: N818 - it names a state, not a mistake
    """The mail server cannot be reached or logged into: no message can be sent now."""


class QuarantineError(GroundswellError):
    """One item cannot be processed; it is kept with this reason and the others go on."""


class BadInputError(QuarantineError):
    """A row, entry or payload is malformed."""


class CorruptEntryError(QuarantineError):
    """A stored spool entry fails its checksum."""


class FatalError(GroundswellError):
    """Going on would lose or damage data."""


class LockedError(FatalError):
    """Another process holds the lock of something that only one may write."""


class DurabilityError(FatalError):
    """An fsync failed: what was written before it may not be on disk."""


class ModelError(FatalError):
    """A model's files are missing, damaged, or do not fit what they are used for."""
