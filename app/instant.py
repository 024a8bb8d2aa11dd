"""Rules that tell at once: keyword, author, influencer, outlet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.events import FRESH, find_news, host_of, open_news
from app.judging import rule_selection
from app.queries import narrowed
from app.rounds import Found, Round
from core.mention import Mention
from core.query.ast import FieldExists, FieldIs, Node, Not
from core.questions import GroupField, Order, Selection, View
from core.rules import InstantRule, OutletRule
from core.window import TimeWindow

LOOK_BACK = timedelta(hours=2)
"""What became known longer ago was told, or was there before the rule."""

NEW_STORIES = 100
"""Stories that are read in one round; more say something new each, above every cap of mails."""

TELLINGS = 20
"""Mentions of a story that are looked at for the one that an outlet published itself."""


def examine(here: Round, rule: InstantRule) -> Found:
    """Return the stories that became known and were not told, as one event."""
    news = find_news(
        _candidates(here, rule),
        here.known,
        here.now,
        mails_a_day=rule.mails_a_day,
        zone=here.zone,
    )
    if news.mentions:
        event = open_news(rule, news, here.now)
        return Found(event.latest.words.lead if event.latest.words else "told", event=event)
    if news.held_back:
        return Found(f"{news.held_back:,} more held back: {rule.mails_a_day} mails were sent today")
    return Found("quiet: nothing new")


def _candidates(here: Round, rule: InstantRule) -> list[Mention]:
    """Return the first mention of each story that became known of late and was not told.

    The first of those that the rule asks for may be a copy: one by a big account, in a paper, or
    with a word that the first telling did not have. Stories are counted by the index, so that a
    flood of copies costs as little as one.
    """
    index, selection = here.queries.index, _selection(here, rule)
    told = {story for incident in here.known for story in incident.stories}
    stories = index.top(selection, GroupField.STORY, len(told) + NEW_STORIES)
    asked: list[tuple[Node, int]] = [
        (FieldIs("story", story.value), TELLINGS) for story in stories if story.value not in told
    ]
    # What nothing could be made of has no story; each is one of its own.
    found = []
    for node, size in [*asked, (Not(FieldExists("story")), NEW_STORIES)]:
        page = index.page(narrowed(selection, node), size, Order.OLDEST)
        matching = [mention for mention in page.mentions if is_meant(rule, mention)]
        found += matching[:1] if size == TELLINGS else matching
    return found


def _selection(here: Round, rule: InstantRule) -> Selection:
    """Return what became known of late: since the last look, had that been hours ago."""
    back = LOOK_BACK
    if here.awake is not None:
        back = max(back, min(here.now - here.awake.last, FRESH))
    # The second that runs belongs to it: what became known in it may have been told already.
    window = TimeWindow(here.now - back, here.now + timedelta(seconds=1))
    return replace(rule_selection(rule, here.now), window=window, view=View.LIVE)


def is_meant(rule: InstantRule, mention: Mention) -> bool:
    """Return whether an outlet published the mention: to link to one is no report of it."""
    return not isinstance(rule, OutletRule) or rule.tier_of(host_of(mention)) is not None
