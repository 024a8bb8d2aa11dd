"""What each service allows: what is not listed is denied."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.source_policy import DENIED, POLICIES, policy_of


@given(st.text())
def test_unknown_services_are_denied(service: str) -> None:
    """No service that is not listed may be exported."""
    if service.casefold() not in POLICIES:
        assert policy_of(service) is DENIED
    assert not DENIED.may_export
    assert DENIED.needs_agreement


@pytest.mark.parametrize(
    "service", ["x", "twitter", "facebook", "instagram", "reddit", "", "other"]
)
def test_services_with_terms_against_it_are_denied(service: str) -> None:
    """The large networks, and items without a service, are not listed."""
    assert not policy_of(service).may_export


@pytest.mark.parametrize("service", ["web", "Mastodon", "BLUESKY", "hackernews"])
def test_open_services_may_be_exported(service: str) -> None:
    """Listed services are found in any spelling, and honour deletions within a day."""
    assert policy_of(service).may_export
    assert policy_of(service).honour_delete_within <= timedelta(days=1)


def test_agreement_opens_one_service_and_keeps_its_other_terms() -> None:
    """The operator's word allows the export of that service alone, and changes no deadline."""
    agreed = policy_of("Reddit", ["reddit"])
    assert agreed.may_export
    assert not agreed.needs_agreement
    assert agreed.refresh_or_delete_by == DENIED.refresh_or_delete_by
    assert agreed.honour_delete_within == DENIED.honour_delete_within
    assert not policy_of("x", ["reddit"]).may_export
