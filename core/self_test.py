"""The source of the self-test: what is sent to see that what is sent arrives."""

from __future__ import annotations

from typing import Literal

from core.identity import service_item_id
from core.mention import CANARY_SERVICE, Channel
from core.settings import SourceSettings

CANARY_CURSOR = "|self-test"
"""The name of the source, in cursors; no configured source can bear it."""

CANARY_ID = service_item_id(CANARY_SERVICE, "self-test")
"""The id of all its mentions: each replaces the one before."""


class CanarySource(SourceSettings):
    """Our own source, which no file configures: a rule of kind ``self_test`` asks for it."""

    type: Literal["self_test"] = "self_test"
    name: str = CANARY_CURSOR
    channel: Channel = Channel.SOCIAL
    synthetic: bool = True
