"""The rules on the page of alerts: how each stands, and those made here to edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.answers import RuleState
from app.handling import Record
from app.kinds import KINDS
from app.own_rules import (
    KnownRule,
    all_rules,
    delete_own_rule,
    restore_own_rule,
    save_own_rule,
)
from core.errors import ConfigurationError, UsageError
from core.rules import RULE_CLASSES, Period, RuleKind, Weekday
from dashboard import drawing
from dashboard.session import Session, Viewer, plain
from dashboard.words import escape
from insights.sentence import describe_learning, describe_verdict
from insights.verdict import Measure

NEW = "New rule"
LATER = ("query", "recipients", "notify", "urgent", "time_zone")
"""Keys that most rules leave alone come last."""


def show_rules(rules: list[RuleState], watcher: Viewer, records: Mapping[str, Record]) -> None:
    """Draw every rule with how it stands, and what people made of its incidents."""
    if not rules:
        return
    drawing.heading("Rules")
    rows = "".join(_row(state, watcher, records.get(state.rule.name)) for state in rules)
    st.html(
        '<div class="gw-scroll"><table class="gw-table"><thead><tr><th>Rule</th><th>Watches</th>'
        "<th>State</th><th>Now</th><th>Was it useful?</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _record(record: Record | None) -> str:
    """Return how many of a rule's incidents were useful, and what would leave out the noise."""
    if record is None or record.precision is None:
        return "nobody said so far"
    seen, proposal = record.precision, record.proposal
    text = (
        f"{seen.useful} of {seen.marked} ({seen.value:.0%}, "
        f"with 95 % between {seen.low:.0%} and {seen.high:.0%})"
    )
    if proposal is not None:
        text += (
            f". minimum: {proposal.minimum} would have left out {proposal.noise_left_out} of "
            f"{proposal.noise} noise and none that was useful"
        )
    return text


def _row(state: RuleState, watcher: Viewer, record: Record | None) -> str:
    rule = state.rule
    chip, text = _standing(state)
    now = describe_verdict(state.verdict, watcher.zone) if state.verdict else state.words or ""
    now = now.split(" (learning", 1)[0]
    origin = "" if state.is_provisioned else "<small>made here</small>"
    watches = f"{state.kind}: {state.watches}" if state.kind else ""
    return (
        f"<tr><td><b>{escape(rule.name)}</b>{origin}</td><td>{escape(watches)}</td>"
        f'<td class="gw-stands"><span class="gw-dot {chip}"></span>{escape(text)}</td>'
        f"<td>{escape(now)}</td><td>{escape(_record(record))}</td></tr>"
    )


def _standing(state: RuleState) -> tuple[str, str]:
    """Return the colour and the words for how a rule stands."""
    if state.problem is not None:
        return "open", state.problem
    if state.is_open:
        return "open", "firing"
    if state.learning is not None:
        is_negative = state.rule.kind is RuleKind.NEGATIVE_SPIKE
        measure = Measure.NEGATIVE if is_negative else Measure.VOLUME
        return "learning", describe_learning(state.learning, measure)
    if state.verdict is None and state.words is None:
        return "learning", "waiting for the first mention"
    return "well", "watching"


# --- editing


def edit_rules(session: Session) -> None:
    """Draw the form in which a rule is made, changed or deleted; those of alerts.yml are not."""
    drawing.heading("Make a rule", "those of alerts.yml are changed there")
    own = {
        known.rule.name: known
        for known in all_rules(session.application)
        if not known.is_provisioned
    }
    _say_what_was_done(session)
    chosen = st.selectbox("Rule", [NEW, *own], key="rule-chosen")
    known = own.get(chosen)
    data = dict(known.data) if known else {}
    kinds = list(RULE_CLASSES)
    held = str(data.get("kind", RuleKind.VOLUME_SPIKE))
    at = kinds.index(RuleKind(held)) if held in set(kinds) else 0
    kind = st.selectbox(
        "Kind", kinds, at, format_func=lambda one: KINDS[one].title, key=f"rule-kind-{chosen}"
    )
    st.caption(plain((RULE_CLASSES[kind].__doc__ or "").split("\n\n")[0]))
    with st.form(f"rule-{chosen}-{kind.value}", border=True):
        values = _fields(session, kind, data, f"{chosen}-{kind.value}")
        is_saved = st.form_submit_button("Save the rule", type="primary")
    if is_saved:
        _save(session, {"kind": kind.value, **values}, known)
    if known is not None and st.button("Delete this rule", key=f"rule-delete-{chosen}"):
        delete_own_rule(session.application, known.rule.name)
        _done(f"{known.rule.name} was deleted.", deleted=known.data)


def _save(session: Session, data: dict[str, Any], known: KnownRule | None) -> None:
    replaces = known.rule.name if known else None
    try:
        rule = save_own_rule(session.application, data, replaces=replaces)
    except ConfigurationError as error:
        lines = [f"- {plain(f'{one.key}: {one.message}')}" for one in error.problems]
        st.error("\n".join(["The rule was not saved:", *lines]))
        return
    _done(f"{rule.name} watches from now on.")


CHANGES = "rule-changes"
"""Where the session counts what its viewer changed."""


DELETED = "rule-deleted"
"""Where the session keeps what its viewer deleted last, until something else is done."""


def _done(text: str, deleted: Mapping[str, Any] | None = None) -> None:
    """Say what was done after drawing the page anew, where it shows already."""
    _note(text, deleted)
    st.rerun()


def _note(text: str, deleted: Mapping[str, Any] | None = None) -> None:
    st.session_state["rule-done"], st.session_state[DELETED] = text, deleted
    st.session_state[CHANGES] = st.session_state.get(CHANGES, 0) + 1


def _say_what_was_done(session: Session) -> None:
    deleted = st.session_state.get(DELETED)
    # What can be taken back is said for as long as it can.
    text = st.session_state.get("rule-done") if deleted else st.session_state.pop("rule-done", None)
    if text:
        st.success(plain(text), icon=":material/check:")
    if deleted:
        st.button("Undo", key="rule-undo", on_click=_restore, args=(session, deleted))


def _restore(session: Session, deleted: Mapping[str, Any]) -> None:
    try:
        restore_own_rule(session.application, deleted)
    except UsageError as err:
        st.toast(plain(str(err)), icon=":material/error:")
        return
    _note(f"{deleted['name']} is back.")


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of the form: its key, its label, and what it held."""

    session: Session
    key: str
    label: str
    held: Any
    default: Any
    place: str


def _fields(session: Session, kind: RuleKind, data: dict[str, Any], place: str) -> dict[str, Any]:
    """Draw the fields of a kind and return what they hold; what is left empty is left out."""
    model = RULE_CLASSES[kind].model_fields
    ordered = sorted((key for key in model if key != "kind"), key=lambda key: key in LATER)
    values = {}
    for key in ordered:
        default = None if model[key].is_required() else model[key].default
        label = key.replace("_", " ").capitalize()
        field = _Field(session, key, label, data.get(key), default, f"rule-{place}-{key}")
        draw = WIDGETS.get((kind, key)) or WIDGETS.get(key) or _line
        value = draw(field)
        if value not in (None, "", []):
            values[key] = value
    return values


def _line(field: _Field) -> str | None:
    shown = "" if field.held is None else str(field.held)
    return st.text_input(field.label, shown, key=field.place).strip() or None


def _words(field: _Field) -> list[str]:
    held = field.held or []
    text = st.text_input(f"{field.label} (with commas)", ", ".join(held), key=field.place)
    return [word.strip() for word in text.split(",") if word.strip()]


def _number(field: _Field) -> int:
    start = int(field.held or field.default or 1)
    return int(st.number_input(field.label, min_value=1, value=start, step=1, key=field.place))


def _rate(field: _Field) -> float:
    start = float(field.held or field.default)
    return float(
        st.number_input(field.label, 0.01, 50.0, start, step=0.05, format="%.2f", key=field.place)
    )


def _duration(field: _Field) -> str:
    default = f"{field.default.total_seconds() / 60:.0f}m"
    return st.text_input(field.label, str(field.held or default), key=field.place).strip()


def _clock(field: _Field) -> str:
    default = f"{field.default:%H:%M}"
    return st.text_input(field.label, str(field.held or default), key=field.place).strip()


def _one_of(names: Callable[[Session], list[str]]) -> Callable[[_Field], Any]:
    def draw(field: _Field) -> Any:
        offered = names(field.session)
        held = str(field.held or field.default or "")
        # One that is gone is offered still: it is what has to be changed.
        offered = offered if held in offered or not field.held else [held, *offered]
        at = offered.index(held) if held in offered else 0
        return st.selectbox(field.label, offered, at, key=field.place)

    return draw


def _some_of(names: Callable[[Session], list[str]]) -> Callable[[_Field], list[str]]:
    def draw(field: _Field) -> list[str]:
        held = list(field.held or [])
        offered = list(dict.fromkeys([*names(field.session), *held]))
        return st.multiselect(
            field.label, offered, held, key=field.place, placeholder="All of them"
        )

    return draw


def _outlets(field: _Field) -> list[dict[str, Any]]:
    """Return the tiers: a line each, such as ``1: bbc.co.uk, example.org``."""
    shown = "\n".join(f"{one['tier']}: {', '.join(one['domains'])}" for one in field.held or [])
    text = st.text_area(
        f"{field.label}, a line a tier", shown, key=field.place, placeholder="1: example.org"
    )
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        tier, colon, domains = line.partition(":")
        if not colon:
            tier, domains = "1", line
        names = [name.strip() for name in domains.split(",") if name.strip()]
        found.append({"tier": int(tier) if tier.strip().isdigit() else 0, "domains": names})
    return found


def _topics(session: Session) -> list[str]:
    return [topic.name for topic in session.queries.configuration.topics]


def _sources(session: Session) -> list[str]:
    return [source.name for source in session.queries.configuration.sources]


def _flag(field: _Field) -> bool:
    return st.checkbox(field.label, bool(field.held or field.default), key=field.place)


def _addresses(session: Session) -> list[str]:
    return list(session.queries.configuration.settings.notify)


WIDGETS: dict[Any, Callable[[_Field], Any]] = {
    "topic": _one_of(_topics),
    "topics": _some_of(_topics),
    "sources": _some_of(_sources),
    "recipients": _words,
    "notify": _some_of(_addresses),
    "urgent": _flag,
    "authors": _words,
    "outlets": _outlets,
    "minimum": _number,
    "mails_a_day": _number,
    "followers": _number,
    "false_alarms_per_week": _rate,
    "after": _duration,
    "within": _duration,
    "answer_within": _duration,
    "at": _clock,
    "weekday": _one_of(lambda _: [day.value for day in Weekday]),
    (RuleKind.SELF_TEST, "every"): _duration,
    (RuleKind.DIGEST, "every"): _one_of(lambda _: [period.value for period in Period]),
}
"""How each key is asked for, where it is no line of text."""
