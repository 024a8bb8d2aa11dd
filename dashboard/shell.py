"""Opens the session for a view, and says what is in the way where that fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec

import streamlit as st

from app.heartbeat import STUCK
from core.errors import ConfigurationError, GroundswellError
from dashboard.session import Session, answer, open_session, plain

LOST_SHOWN = timedelta(days=1)

P = ParamSpec("P")


def draw(show: Callable[[Session], None]) -> None:
    """Draw one page, or say what is in its way."""
    try:
        session = open_session()
        _say_what_is_not_told(session)
        show(session)
    except GroundswellError as error:
        show_problem(error)


def _say_what_is_not_told(session: Session) -> None:
    """Say on every page that alarms do not arrive: the mail that would say so does not either."""
    now = session.queries.now()
    outbox = session.application.outbox
    if stuck := answer(session, ("stuck",), lambda: outbox.stuck(now - STUCK)):
        first = stuck[0]
        many = "1 message" if len(stuck) == 1 else f"{len(stuck)} messages"
        text = f"{many} could not be sent since {first.changed_at:%d %b %H:%M} UTC: {first.words}"
        st.error(plain(text), icon=":material/unsubscribe:")
    if lost := answer(session, ("lost",), lambda: outbox.lost(now - LOST_SHOWN)):
        text = f"{len(lost)} messages were not delivered in the last day: {lost[-1].recipient}: "
        st.warning(plain(text + (lost[-1].words or "given up")), icon=":material/unsubscribe:")


def live(
    every: int | None = None, *, is_silent: bool = False
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Return a decorator for a part of a page that runs by itself, every so many seconds.

    A store that goes away meanwhile is told there, unless another part of the page does.
    """

    def decorate(draw_part: Callable[P, None]) -> Callable[P, None]:
        @wraps(draw_part)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                draw_part(*args, **kwargs)
            except GroundswellError as error:
                if not is_silent:
                    show_problem(error)

        return st.fragment(guarded, run_every=every)

    return decorate


def show_problem(error: GroundswellError) -> None:
    """Say what is wrong and what to do, instead of a page."""
    if isinstance(error, ConfigurationError):
        st.error("The configuration has to be mended first.", icon=":material/build:")
        st.markdown("\n".join(f"- {plain(str(problem))}" for problem in error.problems))
        st.caption("`groundswell check-config` shows the same. Reload when it is mended.")
        return
    st.error("The stored mentions cannot be reached right now.", icon=":material/cloud_off:")
    st.markdown(plain(str(error)))
    st.caption(
        "Nothing is lost: what is collected waits in the spool. `groundswell doctor` says more."
    )
