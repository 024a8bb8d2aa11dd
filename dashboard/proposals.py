"""What incidents marked useful or noise propose for their rules: a button, or a line to copy."""

from __future__ import annotations

import streamlit as st

from app.own_rules import KnownRule, rules_by_name, save_own_rule
from core.errors import GroundswellError
from dashboard import drawing
from dashboard.rules_part import CHANGES
from dashboard.session import Session, plain
from dashboard.words import escape
from insights.budgets import BudgetProposal

KEY = "false_alarms_per_week"
UNDO = "budget-undo"
"""Where the session keeps what its viewer changed last: the rule, and what it said before."""


def show_proposals(session: Session) -> None:
    """Draw the budget that the marks of each rule speak for; nothing where they speak for none."""
    known = rules_by_name(session.application)
    found = [
        (known[name], record.budget)
        for name, record in sorted(session.desk.records().items())
        if record.budget is not None
    ]
    undo = st.session_state.get(UNDO)
    if not found and undo is None:
        return
    drawing.heading("Another budget", "what incidents marked useful or noise speak for")
    if undo is not None:
        _undo(session, *undo)
    for rule, proposal in found:
        _proposal(session, rule, proposal)


def _proposal(session: Session, known: KnownRule, proposal: BudgetProposal) -> None:
    name = known.rule.name
    st.html(f"<p><b>{escape(name)}</b>: {escape(proposal.words)}.</p>")
    if known.is_provisioned:
        st.caption("In alerts.yml, under this rule:")
        st.code(f"{KEY}: {proposal.budget:g}", language="yaml")
        return
    st.button(
        f"Use {proposal.budget:g}",
        key=f"budget-{name}",
        icon=":material/tune:",
        on_click=_use,
        args=(session, name, proposal.budget),
    )


def _undo(session: Session, name: str, before: float | None, now: float) -> None:
    """Say what was changed, and take it back."""
    st.success(plain(f"{name} has {KEY}: {now:g} from now on."), icon=":material/check:")
    st.button("Undo", key="budget-undo-button", on_click=_take_back, args=(session, name, before))


def _set(session: Session, name: str, budget: float | None) -> bool:
    """Give a rule made here another budget (None: the default); say why that cannot be done.

    Returns whether it was done.
    """
    known = rules_by_name(session.application).get(name)
    if known is None or known.is_provisioned:
        st.toast(plain(f"{name} is not there any more"), icon=":material/error:")
        return False
    before = known.data.get(KEY)
    data = {key: value for key, value in known.data.items() if key != KEY}
    if budget is not None:
        data[KEY] = budget
    try:
        save_own_rule(session.application, data, replaces=name)
    except GroundswellError as err:
        st.toast(plain(str(err)), icon=":material/error:")
        return False
    st.session_state[CHANGES] = st.session_state.get(CHANGES, 0) + 1
    st.session_state[UNDO] = (name, before, budget)
    return True


def _use(session: Session, name: str, budget: float) -> None:
    _set(session, name, budget)


def _take_back(session: Session, name: str, before: float | None) -> None:
    if _set(session, name, before):
        st.session_state.pop(UNDO, None)
