"""The self-test's source: one mention a visit, made here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.mention import CANARY_SERVICE, Mention
from core.ports import PollStatus
from core.self_test import CANARY_ID
from crawlers.clocks import microseconds
from crawlers.spider import SourceSpider, Visit

if TYPE_CHECKING:
    from core.self_test import CanarySource


class CanarySpider(SourceSpider):
    """Brings one mention at each visit, of the same id: it replaces the last one."""

    def own_urls(self, source: CanarySource) -> tuple[str, ...]:  # noqa: ARG002 - it has none
        """Return nothing: nothing is fetched."""
        return ()

    async def visit(self, visit: Visit) -> PollStatus:
        """Send one mention on its way, and say when."""
        now = visit.now()
        mention = Mention(
            id=CANARY_ID,
            service=CANARY_SERVICE,
            channel=visit.source.channel,
            text=f"Self-test of {now.isoformat()}",
            language="en",
            published_at=now,
            collected_at=now,
            synthetic=True,
            sources=(visit.source.name,),
        ).with_version(microseconds(now))
        await visit.deliver([mention], {"sent_at": now.isoformat()})
        return PollStatus.OK
