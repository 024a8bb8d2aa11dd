import base64

import pytest

from core.questions import Order
from index.paging import After, check_size, read_token, sorting_of, write_token


def test_a_token_leads_back_to_where_its_page_ended() -> None:
    """What was written is read, whatever the id holds."""
    after = After(-1, 'ü "quoted" / id')
    assert read_token(Order.ENGAGEMENT, write_token(Order.ENGAGEMENT, after)) == after


@pytest.mark.parametrize(
    "token",
    [
        "",
        "é",
        "abc",
        base64.urlsafe_b64encode(b"5").decode(),
        base64.urlsafe_b64encode(b'["newest",1]').decode(),
        base64.urlsafe_b64encode(b'["newest","1","a"]').decode(),
        base64.urlsafe_b64encode(b'["newest",1,2]').decode(),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    """Anything but a token of this order is an error that says so."""
    with pytest.raises(ValueError, match="token"):
        read_token(Order.NEWEST, token)


def test_newest_and_largest_come_first() -> None:
    """Only the oldest-first order ascends."""
    assert [order for order in Order if not sorting_of(order).descending] == [Order.OLDEST]


def test_an_empty_page_is_refused() -> None:
    """Asking for nothing is a mistake of the caller."""
    assert check_size(1) == 1
    with pytest.raises(ValueError, match="0"):
        check_size(0)
