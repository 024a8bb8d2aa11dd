"""Mentions: what is said, who needs an answer, and what a model got wrong."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app.actions import Change, Done, suggested_terms
from app.answers import MentionRow
from app.inbox import PageOrder
from app.scope import Scope
from core.errors import ConfigurationError, QueryError, UsageError
from core.mention import Intent, Mention, Sentiment, Status
from dashboard import drawing, filters
from dashboard.cards import card, sentiment_shown
from dashboard.session import Session, Viewer, answer, plain, read_scope, viewer
from dashboard.shell import live
from dashboard.words import escape, excerpt, number

PAGE_SIZE = 25
LARGEST_PAGE = 200
"""More cards than this make a browser slow; a narrower search serves better."""

INTENT_WORDS = {
    Intent.QUESTION: "an answer",
    Intent.COMPLAINT: "redress",
    Intent.PRAISE: "to praise",
    Intent.REQUEST: "something done",
    Intent.OTHER: "nothing",
}

REFRESH_SECONDS = 5
OPERATOR = "dashboard"
"""Who a correction is by, as long as the dashboard knows no people."""


@dataclass
class Shown:
    """How far a viewer has scrolled a scope, and how many mentions it had when it was drawn."""

    key: tuple[object, ...]
    size: int = PAGE_SIZE
    total: int = 0


def show(session: Session) -> None:
    """Draw the page."""
    watcher = viewer(session)
    scope = read_scope(session, watcher.zone)
    order = filters.mentions_bar(session, scope)
    _list(session, scope, order)
    _watch(session, scope)


def _shown(scope: Scope, order: PageOrder) -> Shown:
    key = (scope, order)
    held = st.session_state.get("mentions-shown")
    if held is None or held.key != key:
        held = Shown(key)
        st.session_state["mentions-shown"] = held
    return held


@live()
def _list(session: Session, scope: Scope, order: PageOrder) -> None:
    """Draw the mentions, with what one can do to each."""
    watcher = viewer(session)
    shown = _shown(scope, order)
    key = ("mentions", scope, shown.size, order)
    page = answer(session, key, lambda: session.queries.search(scope, shown.size, None, order))
    shown.total = page.total
    _undo_bar(session)
    if not page.total:
        _nothing(session, scope)
        return
    noun = "mention" if page.total == 1 else "mentions"
    st.html(f'<p class="gw-total"><b>{number(page.total)}</b> {noun}{_described(scope)}</p>')
    for row in page.rows:
        _row(session, row, watcher, scope.towards)
    if page.next_token is not None and shown.size < LARGEST_PAGE:
        st.button("Show more", key="more", width="stretch", on_click=_grow, args=(shown,))
    elif page.next_token is not None:
        st.caption(f"The first {LARGEST_PAGE} are shown. Narrow the search to see others.")


@live(REFRESH_SECONDS, is_silent=True)
def _watch(session: Session, scope: Scope) -> None:
    """Say when more has come in, without moving what is being read."""
    shown = st.session_state.get("mentions-shown")
    if shown is None:
        return
    total = answer(session, ("count", scope), lambda: session.queries.count(scope))
    fresh = total - shown.total
    if fresh <= 0:
        return
    if shown.total == 0:
        st.rerun()
    with st.container(key="gw-fresh"):
        noun = "new mention" if fresh == 1 else "new mentions"
        if st.button(f"{number(fresh)} {noun}", icon=":material/arrow_upward:", key="fresh"):
            st.rerun()


def _grow(shown: Shown) -> None:
    shown.size += PAGE_SIZE


def _described(scope: Scope) -> str:
    """Return what the list is narrowed by, in words."""
    parts = []
    if scope.sentiments:
        words = " or ".join(label.value for label in scope.sentiments)
        parts.append(f"{words} towards {scope.towards}" if scope.towards else words)
    if scope.status is not None:
        parts.append(scope.status.value)
    if scope.intents:
        parts.append("wanting " + ", ".join(INTENT_WORDS[intent] for intent in scope.intents))
    if scope.emotions:
        parts.append("with " + " or ".join(emotion.value for emotion in scope.emotions))
    if scope.channels:
        parts.append("in " + ", ".join(channel.value for channel in scope.channels))
    if scope.languages:
        parts.append("in " + ", ".join(scope.languages))
    if scope.sources:
        parts.append("from " + ", ".join(scope.sources))
    if scope.include_own:
        parts.append("own accounts included")
    if scope.include_irrelevant:
        parts.append("with those marked not us")
    return f"<span>{escape('; '.join(parts))}</span>" if parts else ""


def _nothing(session: Session, scope: Scope) -> None:
    if not session.queries.index.size():
        drawing.empty(
            "Nothing has been collected yet",
            "Mentions show here as soon as the first ones arrive. To begin:",
            'groundswell track "Acme"',
            "groundswell run",
        )
    elif scope.is_filtered:
        drawing.empty(
            "No mention fits",
            "Take a filter away, or look at a longer time. The box understands AND, OR, NOT, "
            '"phrases", late NEAR/5 parcel, and fields: channel:news, followers:[1000 TO *].',
        )
    else:
        drawing.empty("No mentions in this time", "Choose a longer time above.")


def _row(session: Session, row: MentionRow, watcher: Viewer, towards: str | None) -> None:
    """Draw one card and its buttons."""
    mention = row.mention
    key = mention.id
    shown = sentiment_shown(mention, towards)
    with st.container(key=f"gw-row-{key}", gap=None):
        st.html(card(row, watcher, towards=towards))
        with st.container(horizontal=True, key=f"gw-do-{key}", gap="small"):
            is_done = mention.status is Status.DONE
            st.button(
                "Open again" if is_done else "Done",
                key=f"done-{key}",
                icon=":material/undo:" if is_done else ":material/check:",
                type="tertiary",
                on_click=_close,
                args=(session, mention),
            )
            st.menu_button(
                "Fix the sentiment",
                [label.value for label in Sentiment if label is not shown],
                key=f"sentiment-{key}",
                icon=":material/sentiment_neutral:",
                type="tertiary",
                on_click=_fix_sentiment,
                args=(session, mention),
            )
            st.button(
                "It is us" if mention.is_irrelevant else "Not us",
                key=f"us-{key}",
                icon=":material/block:",
                type="tertiary",
                on_click=_not_us,
                args=(session, mention),
            )


def _remember(done: Done) -> None:
    st.session_state["last-done"] = done


def _close(session: Session, mention: Mention) -> None:
    status = Status.OPEN if mention.status is Status.DONE else Status.DONE
    _remember(session.actions.set_status(mention, status, OPERATOR))


def _fix_sentiment(session: Session, mention: Mention) -> None:
    chosen = st.session_state[f"sentiment-{mention.id}"]
    if chosen is not None:
        _remember(session.actions.set_sentiment(mention, Sentiment(chosen), OPERATOR))


def _not_us(session: Session, mention: Mention) -> None:
    done = session.actions.mark_irrelevant(mention, OPERATOR, irrelevant=not mention.is_irrelevant)
    _remember(done)


def _undo_bar(session: Session) -> None:
    """Show what was done last, with a way back and, after "not us", a way to more of it."""
    done: Done | None = st.session_state.get("last-done")
    if done is None:
        return
    mention = done.mention
    with st.container(horizontal=True, vertical_alignment="center", key="gw-undo"):
        text = excerpt(mention.title or mention.text, 70)
        st.html(f"<p><b>{escape(done.text)}</b> {escape(text)}</p>", width="stretch")
        st.button("Undo", key="undo", type="tertiary", on_click=_undo, args=(session, done))
        is_marked = done.change is Change.NOT_US and not done.before
        has_more = is_marked and bool(mention.matched_topics)
        if has_more and st.button("Shut out more like it", key="shut-out", type="tertiary"):
            _shut_out(session, mention)
        st.button("Close", key="undo-close", type="tertiary", on_click=_forget)


def _forget() -> None:
    st.session_state.pop("last-done", None)


def _undo(session: Session, done: Done) -> None:
    session.actions.undo(done, OPERATOR)
    _forget()


@st.dialog("Shut out more like it", width="large")
def _shut_out(session: Session, mention: Mention) -> None:
    """Offer a NOT term for the topic's query, and show what it would remove before it is saved."""
    configuration = session.queries.configuration
    names = [name for name in mention.matched_topics if configuration.topic(name)]
    if not names:
        st.markdown("The topics of this mention are no longer configured.")
        return
    name = st.selectbox("Topic", names) if len(names) > 1 else names[0]
    topic = configuration.topic(name)
    if topic is None:
        return
    st.markdown(plain(excerpt(mention.text or mention.title or "", 240)))
    suggestions = suggested_terms(mention, topic)
    if suggestions:
        st.pills("Suggestions", suggestions, key="shut-pill", on_change=_take_suggestion)
    term = st.text_input("Word or phrase that tells it apart", key="shut-term", max_chars=80)
    if not term.strip():
        return
    try:
        edit = session.actions.preview_exclusion(name, term)
    except (UsageError, QueryError) as error:
        st.warning(plain(str(error)))
        return
    st.code(edit.after, language=None, wrap_lines=True)
    noun = "mention" if edit.removed == 1 else "mentions"
    st.markdown(
        f"Of the last 30 days this removes **{number(edit.removed)}** {noun} from "
        f"{plain(name)} and keeps **{number(edit.kept)}**."
    )
    for sample in edit.samples:
        text = excerpt(sample.title or sample.text, 120)
        st.html(f'<p class="gw-parent">{escape(text)}</p>')
    if st.button("Save the query", type="primary", disabled=not edit.removed):
        try:
            session.actions.save_exclusion(edit)
        except (UsageError, ConfigurationError) as error:
            st.error(plain(str(error)))
            return
        _forget()
        st.rerun()


def _take_suggestion() -> None:
    st.session_state["shut-term"] = st.session_state["shut-pill"] or ""
