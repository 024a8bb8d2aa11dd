"""Reading many texts at once, of which the one that breaks it fails alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.errors import FatalError, GroundswellError, QuarantineError

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a text could not be processed."""

    reason: str


def apply(
    function: Callable[[Sequence[In]], Sequence[Out]], items: Sequence[In]
) -> list[Out | Failure]:
    """Return one result an item; where the batch fails, each item is tried alone.

    What is no text's fault is raised: FatalError.
    """
    if not items:
        return []
    try:
        return list(function(items))
    except FatalError:
        raise
    except Exception as err:  # noqa: BLE001 - texts break libraries in ways nobody listed
        if len(items) == 1:
            reason = (
                str(err) if isinstance(err, GroundswellError) else f"{type(err).__name__}: {err}"
            )
            return [Failure(reason)]
    return [result for item in items for result in apply(function, [item])]


def unless_failed(result: Out | Failure) -> Out:
    """Return a result, or raise its failure as QuarantineError."""
    if isinstance(result, Failure):
        raise QuarantineError(result.reason)
    return result
