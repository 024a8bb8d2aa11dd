"""The filter bar. The address is the one truth: widgets show it, and write it when touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import streamlit as st

from app.inbox import InboxOrder, PageOrder
from app.naming import theme_names
from app.scope import Preset, Scope
from core.mention import Channel, Emotion, Intent, Sentiment, Status
from core.questions import GroupField, Order
from dashboard.session import Session, write_scope

ALL_TOPICS = "All topics"
CUSTOM = "custom"
PRESET_NAMES = {
    Preset.DAY: "24 h",
    Preset.TODAY: "Today",
    Preset.WEEK: "7 days",
    Preset.MONTH: "30 days",
    Preset.ALL: "All time",
}
ORDER_NAMES: dict[PageOrder, str] = {
    Order.NEWEST: "Newest",
    InboxOrder.URGENCY: "Most urgent",
    Order.OLDEST: "Oldest",
    Order.ENGAGEMENT: "Most engagement",
    Order.FOLLOWERS: "Most followers",
}
STATUS_NAMES = {None: "Open and done", Status.OPEN: "Open", Status.DONE: "Done"}


def overview_bar(session: Session, scope: Scope) -> None:
    """Show what the first page can be narrowed by: topics and time."""
    with st.container(horizontal=True, vertical_alignment="center", key="gw-bar"):
        _topic(session, scope)
        _window(scope)


def mentions_bar(session: Session, scope: Scope) -> PageOrder:
    """Show every filter of mentions; return the order that is asked for."""
    _query(scope)
    with st.container(horizontal=True, vertical_alignment="center", key="gw-bar"):
        _topic(session, scope)
        _window(scope)
        _choices(
            scope,
            "Sentiment",
            "sentiments",
            Sentiment,
            lambda value: str(value.value).capitalize(),
            has_label=False,
        )
        order = _order()
        with st.popover("More filters", icon=":material/tune:"):
            _more(session, scope)
    return order


def _set(key: str, value: object) -> str:
    """Give a widget the value that the address has, and return its key."""
    st.session_state[key] = value
    return key


def _topic(session: Session, scope: Scope) -> None:
    configuration = session.queries.configuration
    groups = list(dict.fromkeys(topic.group for topic in configuration.topics))
    names = [topic.name for topic in configuration.topics]
    shown_groups = [f"Group: {group}" for group in groups] if len(groups) > 1 else []
    options = [ALL_TOPICS, *shown_groups, *names]
    chosen = ALL_TOPICS
    if scope.topics:
        chosen = scope.topics[0] if len(scope.topics) == 1 else ", ".join(scope.topics)
    elif scope.group is not None:
        chosen = f"Group: {scope.group}"
    if chosen not in options:
        options.append(chosen)

    def changed() -> None:
        value = st.session_state["filter-topic"]
        found = replace(scope, topics=(), group=None)
        if value in names:
            found = replace(found, topics=(value,))
        elif value in shown_groups:
            found = replace(found, group=value.removeprefix("Group: "))
        write_scope(found)

    st.selectbox(
        "Topic",
        options,
        key=_set("filter-topic", chosen),
        on_change=changed,
        width=190,
        label_visibility="collapsed",
    )


def _window(scope: Scope) -> None:
    options: list[str] = [preset.value for preset in PRESET_NAMES]
    chosen = CUSTOM if scope.is_pinned else scope.preset.value
    if scope.is_pinned:
        options.append(CUSTOM)

    def changed() -> None:
        value = st.session_state["filter-window"]
        if value in (None, CUSTOM):
            return
        write_scope(replace(scope, preset=Preset(value), since=None, until=None))

    st.segmented_control(
        "Time",
        options,
        format_func=lambda v: "From link" if v == CUSTOM else PRESET_NAMES[Preset(v)],
        key=_set("filter-window", chosen),
        on_change=changed,
        required=True,
        label_visibility="collapsed",
    )


def _query(scope: Scope) -> None:
    def changed() -> None:
        text = st.session_state["filter-query"].strip()
        write_scope(replace(scope, query=""))
        if text:
            st.query_params["q"] = text

    st.text_input(
        "Search",
        key=_set("filter-query", st.query_params.get("q", "")),
        on_change=changed,
        placeholder='("late parcel" OR #acme) AND NOT lang:de   followers:[1000 TO *]',
        label_visibility="collapsed",
        icon=":material/search:",
        max_chars=2000,
    )


def _choices(
    scope: Scope,
    label: str,
    attribute: str,
    options: Iterable[Any],
    show: Callable[[Any], str],
    *,
    has_label: bool = True,
) -> None:
    """Show a field of which any values may be chosen."""
    key = f"filter-{attribute}"

    def changed() -> None:
        chosen: dict[str, Any] = {attribute: tuple(st.session_state[key] or ())}
        write_scope(replace(scope, **chosen))

    st.pills(
        label,
        list(options),
        selection_mode="multi",
        format_func=show,
        key=_set(key, list(getattr(scope, attribute))),
        on_change=changed,
        label_visibility="visible" if has_label else "collapsed",
    )


def _order() -> PageOrder:
    asked = st.query_params.get("sort", Order.NEWEST.value)
    known = {order.value: order for order in ORDER_NAMES}
    order = known.get(asked, Order.NEWEST)
    if asked not in known:
        st.warning(f"Left out of the address: sort may be {', '.join(known)}")

    def changed() -> None:
        chosen = st.session_state["filter-order"]
        if chosen is Order.NEWEST:
            st.query_params.pop("sort", None)
        else:
            st.query_params["sort"] = chosen.value

    st.selectbox(
        "Order",
        list(ORDER_NAMES),
        format_func=lambda value: ORDER_NAMES[value],
        key=_set("filter-order", order),
        on_change=changed,
        width=170,
        label_visibility="collapsed",
    )
    return order


def _more(session: Session, scope: Scope) -> None:
    """Show the rarer filters."""
    _choices(scope, "Intent", "intents", Intent, lambda value: str(value.value))
    _choices(scope, "Emotion", "emotions", Emotion, lambda value: str(value.value))
    _choices(scope, "Channel", "channels", Channel, lambda value: str(value.value))
    queries = session.queries
    languages = queries.known_values(scope, GroupField.LANGUAGE, 12)
    _choices(scope, "Language", "languages", _with(languages, scope.languages), str)
    names = theme_names(queries.configuration)
    themes = queries.known_values(scope, GroupField.THEME, 20)
    if themes or scope.themes:
        shown = _with(themes, scope.themes)
        _choices(scope, "Theme", "themes", shown, lambda value: names.get(value, value))
    sources = [source.name for source in queries.configuration.sources]
    _choices(scope, "Source", "sources", _with(sources, scope.sources), str)

    def status_changed() -> None:
        write_scope(replace(scope, status=st.session_state["filter-status"]))

    st.selectbox(
        "Inbox",
        list(STATUS_NAMES),
        format_func=lambda value: STATUS_NAMES[value],
        key=_set("filter-status", scope.status),
        on_change=status_changed,
    )
    for label, attribute in (
        ("With the brand's own accounts", "include_own"),
        ("With what was marked as not us", "include_irrelevant"),
    ):
        key = f"filter-{attribute}"

        def changed(attribute: str = attribute, key: str = key) -> None:
            chosen: dict[str, Any] = {attribute: st.session_state[key]}
            write_scope(replace(scope, **chosen))

        st.toggle(label, key=_set(key, getattr(scope, attribute)), on_change=changed)


def _with(known: list[str], chosen: tuple[str, ...]) -> list[str]:
    return [*known, *(value for value in chosen if value not in known)]
