"""How pages of mentions are sorted, and the token that continues one."""

from __future__ import annotations

import base64
import binascii
import json
from typing import NamedTuple

from core.questions import Order


class Sorting(NamedTuple):
    """By which number field mentions are sorted, and which way; ties go by id, ascending."""

    field: str
    descending: bool


class After(NamedTuple):
    """The last mention of a page: what it sorted as, and its id."""

    value: int
    id: str


def sorting_of(order: Order) -> Sorting:
    """Return how ``order`` sorts mentions. Unknown numbers come after every known one."""
    if order is Order.ENGAGEMENT:
        return Sorting("engagement", descending=True)
    if order is Order.FOLLOWERS:
        return Sorting("followers", descending=True)
    return Sorting("published", descending=order is Order.NEWEST)


def write_token(order: Order, after: After) -> str:
    """Return the token that continues a page in ``order`` after a mention."""
    data = json.dumps([order.value, after.value, after.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(data.encode()).decode("ascii")


def read_token(order: Order, token: str) -> After:
    """Return where ``token`` continues.

    Raises ValueError for a token that no page of this order gave.
    """
    try:
        written, value, key = json.loads(base64.urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, binascii.Error, TypeError, RecursionError) as err:
        raise ValueError(f"{token!r} is no token of a page") from err
    if written != order.value or not isinstance(value, int) or not isinstance(key, str):
        raise ValueError(f"{token!r} is no token of a page ordered by {order.value}")
    return After(value, key)


def check_size(size: int) -> int:
    """Return ``size`` if a page or list can have it. Raises ValueError below 1."""
    if size < 1:
        raise ValueError(f"a page or list of {size} is empty; ask for 1 or more")
    return size
