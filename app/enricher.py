"""From the spool through the analyser into the index.

A batch is acknowledged only when all of it is in the index or in quarantine, so dying anywhere
means doing it again, which changes nothing. A batch that kills its process twice is analysed in a
child process, which shows the one mention to blame.

What waited long is analysed briefly at first, so that it is seen and told in time when more comes
in than can be read; it is analysed in full when nothing else waits.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from app.careful import ENDS_PROCESS, AttemptLog, analyse_in_children
from app.lanes import FIRST_PAUSE, LONGEST_PAUSE, Batch, Lanes, is_new
from app.waking import tell_news
from core.envelope import Envelope, EnvelopeKind
from core.errors import RetryableError
from core.mention import Mention
from core.ports import Analyser, Analysis, Applied, Index, SpoolEntry
from core.questions import Selection
from core.window import TimeWindow

if TYPE_CHECKING:
    from app.stores.file_spool import FileSpool
    from nlp.stories.grouper import StoryAssignment, StoryGrouper
    from nlp.themes.discovery import ThemeDiscoverer

log = structlog.get_logger()

BATCH = 500
"""Most entries taken at once: enough to make one commit of the index cheap."""

IDLE_SECONDS = 0.2
"""Between two looks at an empty spool; a look costs some hundredths of a millisecond."""

OUTAGE_SHARE = 0.05
OUTAGE_BATCH = 20
"""When more than this share of a batch (of at least this size) fails for one reason, the reason
is not in the mentions."""

RECALLED = timedelta(days=14)
"""What stories and themes remember; older ones are over."""

AHEAD = timedelta(days=1)
"""Times of publication may lie a little in the future."""

DEADLY_ATTEMPTS = 2


@dataclass(slots=True)
class EnrichReport:
    """What the enricher did: entries in = indexed + quarantined.

    Those to be analysed in full later are entries once more then.
    """

    entries: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    in_full_later: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


class Enricher:
    """Takes entries from the spool, enriches the mentions and applies everything to the index."""

    def __init__(  # noqa: PLR0913 - each is a part that the composition root builds
        self,
        *,
        spool: FileSpool,
        later: FileSpool,
        index: Index,
        analyser: Analyser,
        clock: Callable[[], datetime],
        home: Path,
        stories: StoryGrouper | None = None,
        themes: ThemeDiscoverer | None = None,
        careful_command: Sequence[str] = (),
        batch: int = BATCH,
    ) -> None:
        """``careful_command`` starts a child that analyses one mention after the other.

        What was analysed briefly waits in ``later``, which is this enricher's own. At most
        ``batch`` entries are taken at once.

        Without ``stories`` only texts of the same words share a story, and none is a copy; without
        ``themes`` no theme is discovered.
        """
        self._spool, self._later, self._index, self._analyser = spool, later, index, analyser
        self._clock, self._lanes = clock, Lanes(spool, later, clock, batch)
        self._stories, self._themes, self._has_recalled = stories, themes, False
        self._attempts = AttemptLog(home / "spool" / "attempt.json")
        self._careful_command, self._home = careful_command, home
        self.report = EnrichReport()

    def run(
        self,
        *,
        drain: bool,
        stop: threading.Event,
        progress: Callable[[EnrichReport], None] = lambda _: None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> EnrichReport:
        """Work until ``stop`` is set; with ``drain`` until nothing waits.

        An index that is down is waited for: the spool keeps growing and is drained later. With
        ``drain`` the RetryableError is raised instead, since a person waits; for the same reason
        everything is analysed in full at once then.
        """
        while not stop.is_set():
            batch = self._lanes.next(drain=drain)
            if batch.entries:
                self._process_until_done(batch, drain=drain, stop=stop)
                progress(self.report)
            elif drain:
                break
            else:
                stop.wait(idle_seconds)
        return self.report

    def _process_until_done(self, batch: Batch, *, drain: bool, stop: threading.Event) -> None:
        """Try the batch until it is through; its attempt stays counted only if we die over it.

        What was put off is tried once: it comes again, and what comes in waits for none of it.
        """
        pause, position = FIRST_PAUSE, batch.entries[0].position
        is_deadly = self._attempts.begin(position) >= DEADLY_ATTEMPTS
        try:
            while not stop.is_set():
                began = time.monotonic()
                try:
                    self._process(batch, is_deadly=is_deadly)
                except RetryableError as err:
                    if drain:
                        raise
                    waits = self._lanes.give_back(batch)
                    log.warning("enricher_waits", reason=str(err), seconds=waits or pause)
                    if waits is not None:
                        return
                    stop.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                    batch = self._lanes.after_pause(batch)
                else:
                    self._lanes.done(batch, time.monotonic() - began)
                    return
        finally:
            self._attempts.end(position)

    def _process(self, batch: Batch, *, is_deadly: bool) -> None:
        """Bring one batch into the index or into quarantine, then acknowledge it."""
        entries = batch.entries
        result = EnrichReport(entries=len(entries))
        refused: list[tuple[SpoolEntry, str]] = []
        fragments: list[tuple[SpoolEntry, Mention]] = []
        for entry in entries:
            if entry.envelope is None:
                refused.append((entry, entry.error or "damaged entry"))
            else:
                fragments.append((entry, entry.envelope.fragment()))
        analyses = self._analyse(batch, fragments, is_deadly=is_deadly)
        good = [
            (e, a.mention) for (e, _), a in zip(fragments, analyses, strict=True) if not a.error
        ]
        refused += [(e, a.error) for (e, _), a in zip(fragments, analyses, strict=True) if a.error]
        # Before it is stored: so nothing stays brief, whenever we die.
        result.in_full_later = self._put_off(batch, [mention for _, mention in good])
        outcomes = self._index.apply([mention for _, mention in good], self._clock())
        for (entry, _), outcome in zip(good, outcomes, strict=True):
            if outcome.status is Applied.REJECTED:
                refused.append((entry, outcome.reason or "refused by the index"))
        counts = Counter(outcome.status for outcome in outcomes)
        for entry, reason in refused:
            log.warning("mention_quarantined", position=entry.position, reason=reason)
            self._spool.quarantine(entry, reason)
            result.reasons[reason] += 1
        batch.spool.acknowledge(entries)
        self._index.refresh()
        tell_news(self._home)
        self._count(replace(result, quarantined=len(refused)), counts)

    def _put_off(self, batch: Batch, mentions: Sequence[Mention]) -> int:
        """Have those that were analysed briefly analysed in full later, and return how many.

        They come as new: what is read in full meanwhile is done with.
        """
        brief = [one for one in mentions if one.enrichment is not None and one.enrichment.is_brief]
        due = [one for one in brief if (one.id, one.version) not in batch.put_off]
        self._later.append(
            [Envelope.of(one.model_copy(update={"enrichment": None})) for one in due]
        )
        batch.put_off.update((one.id, one.version) for one in due)
        return len(brief)

    def _count(self, result: EnrichReport, counts: Counter[Applied]) -> None:
        self.report.entries += result.entries
        self.report.quarantined += result.quarantined
        self.report.in_full_later += result.in_full_later
        self.report.reasons += result.reasons
        self.report.created += counts[Applied.CREATED]
        self.report.updated += counts[Applied.UPDATED]
        self.report.unchanged += counts[Applied.UNCHANGED]

    def _analyse(
        self, batch: Batch, fragments: Sequence[tuple[SpoolEntry, Mention]], *, is_deadly: bool
    ) -> list[Analysis]:
        """Return one outcome a fragment; only new content of mentions goes to the analyser."""
        todo, stored = self._needing_analysis(batch, fragments)
        if is_deadly:
            mentions = [fragments[place][1] for place in todo]
            log.warning("batch_is_deadly", mentions=len(mentions))
            analyses = analyse_in_children(self._careful_command, mentions, self._clock())
        else:
            analyses = self._ask(batch, [fragments[place] for place in todo])
            _check_outage(analyses)
        outcomes = [Analysis(mention) for _, mention in fragments]
        for place, analysis in zip(todo, self._told(analyses, stored), strict=True):
            outcomes[place] = analysis
        return outcomes

    def _ask(self, batch: Batch, fragments: Sequence[tuple[SpoolEntry, Mention]]) -> list[Analysis]:
        """Return one outcome a fragment; briefly only where it is news."""
        found: dict[int, Analysis] = {}
        for brief in (False, True):
            places = [
                place
                for place, (entry, _) in enumerate(fragments)
                if self._lanes.reads_briefly(batch, entry) is brief
            ]
            mentions = [fragments[place][1] for place in places]
            outcomes = self._analyser.analyse(mentions, self._clock(), brief=brief)
            found.update(zip(places, outcomes, strict=True))
        return [found[place] for place in range(len(fragments))]

    def _told(self, analyses: Sequence[Analysis], stored: Mapping[str, Mention]) -> list[Analysis]:
        """Return the analyses with what depends on other mentions: stories, copies and themes."""
        self._recall()
        good = [analysis.mention for analysis in analyses if not analysis.error]
        if self._stories is not None:
            told = self._stories.assign(good, stored)
            good = [with_story(mention, one) for mention, one in zip(good, told, strict=True)]
        if self._themes is not None:
            themes = self._themes.assign(good, stored)
            good = [
                with_discovered(mention, one) for mention, one in zip(good, themes, strict=True)
            ]
        found = iter(good)
        return [analysis if analysis.error else Analysis(next(found)) for analysis in analyses]

    def _recall(self) -> None:
        """Read stories and themes of the last days from the index, once, so that they go on."""
        if self._has_recalled or (self._stories is None and self._themes is None):
            return
        now = self._clock()
        window = TimeWindow(now - RECALLED, now + AHEAD)
        recent = Selection(window=window, include_own=True, include_irrelevant=True)
        scan = self._index.scan(recent)
        while mentions := list(islice(scan, BATCH)):
            if self._stories is not None:
                self._stories.remember(mentions)
            if self._themes is not None:
                self._themes.remember(mentions)
        self._has_recalled = True

    def _needing_analysis(
        self, batch: Batch, fragments: Sequence[tuple[SpoolEntry, Mention]]
    ) -> tuple[list[int], dict[str, Mention]]:
        """Return the places of what is to be analysed, and what the index holds of mentions."""
        places = [
            place
            for place, (entry, mention) in enumerate(fragments)
            if entry.envelope is not None
            and entry.envelope.kind is EnvelopeKind.MENTION
            and mention.has_content
        ]
        stored = self._index.get([fragments[place][1].id for place in places])
        todo = [place for place in places if not self._is_done(batch, *fragments[place], stored)]
        return todo, stored

    def _is_done(
        self, batch: Batch, entry: SpoolEntry, mention: Mention, stored: Mapping[str, Mention]
    ) -> bool:
        """Return whether the index holds an enrichment of the same text by the same models.

        Not so for what comes again to be enriched anew. A brief one will do for what would be
        analysed briefly: it was put off already.
        """
        held = stored.get(mention.id)
        if held is None or held.erased:
            return held is not None
        made = held.enrichment
        if made is None or not is_new(entry) or made.content_version[2] != mention.version[2]:
            return False
        if made.is_brief and self._lanes.reads_briefly(batch, entry):
            return True
        return self._analyser.is_current(made)


def with_story(mention: Mention, assigned: StoryAssignment) -> Mention:
    """Return an enriched mention with its story; one without enrichment as it is."""
    if mention.enrichment is None:
        return mention
    told = {"story_id": assigned.story_id, "is_copy": assigned.is_copy}
    enrichment = mention.enrichment.model_copy(update=told)
    return mention.model_copy(update={"enrichment": enrichment})


def with_discovered(mention: Mention, theme: str | None) -> Mention:
    """Return an enriched mention with its discovered theme; one without enrichment as it is."""
    if mention.enrichment is None:
        return mention
    enrichment = mention.enrichment.model_copy(update={"discovered_theme": theme})
    return mention.model_copy(update={"enrichment": enrichment})


def _check_outage(analyses: Sequence[Analysis]) -> None:
    """Raise RetryableError when the failures look like the fault of the models, not the texts.

    A text that ends processes was found by itself, beside others that did not.
    """
    if len(analyses) < OUTAGE_BATCH:
        return
    reasons = Counter(a.error for a in analyses if a.error and a.error != ENDS_PROCESS)
    for reason, count in reasons.most_common(1):
        if count > OUTAGE_SHARE * len(analyses):
            raise RetryableError(f"{count} of {len(analyses)} mentions failed: {reason}")
