"""Quality: was the model right? Five random mentions a day, and what the answers say."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from app.phrasing import accuracy_cell, accuracy_words, drift_words
from app.quality import Question
from app.stores.samples import Sample
from dashboard import drawing
from dashboard.cards import card
from dashboard.session import Session, Viewer, viewer
from dashboard.shell import live
from dashboard.views.mentions_view import OPERATOR
from dashboard.words import escape, number
from insights.quality import LABELS, Accuracy, Answer, Confusion, QualityReport

BUTTONS = {
    Answer.NEGATIVE: ":material/sentiment_dissatisfied:",
    Answer.NEUTRAL: ":material/sentiment_neutral:",
    Answer.POSITIVE: ":material/sentiment_satisfied:",
    Answer.CANNOT_TELL: ":material/help:",
}

MODEL_CHARS = 160


def show(session: Session) -> None:
    """Draw the page."""
    _page(session)


@live()
def _page(session: Session) -> None:
    watcher = viewer(session)
    report = session.quality.report()
    questions = session.quality.questions()
    is_empty = not questions and not report.overall.n and not report.overall.unclear
    if is_empty and not session.queries.index.size():
        drawing.empty(
            "Nothing has been collected yet",
            "From the day after the first mentions on, five of them a day are asked about here.",
            'groundswell track "Acme"',
            "groundswell run",
        )
        return
    st.html(f'<p class="gw-lead">{escape(accuracy_words(report.overall))}</p>')
    _ask(session, questions, watcher)
    if report.overall.n:
        _tell(report)


# --- asking


def _ask(session: Session, questions: list[Question], watcher: Viewer) -> None:
    drawing.heading("Was this right?", "five random mentions of yesterday, the same for everybody")
    if not questions:
        st.html(
            '<p class="gw-quiet">Yesterday (UTC) no mention got a sentiment. Tomorrow asks about '
            "today's.</p>"
        )
        return
    st.html(
        '<p class="gw-quiet">How does the author speak of what the text is about? What the model '
        "read shows once you have answered. A mention that shows something else is corrected.</p>"
    )
    for question in questions:
        _question(session, question, watcher)


def _question(session: Session, question: Question, watcher: Viewer) -> None:
    """Draw one mention: with what can be answered, or with what was."""
    sample = question.sample
    key = sample.mention
    with st.container(key=f"gw-row-{key}", gap=None):
        is_open = sample.answer is None
        st.html(card(question.row, watcher, is_blind=is_open))
        with st.container(horizontal=True, vertical_alignment="center", key=f"gw-ask-{key}"):
            if sample.answer is not None:
                st.html(f"<p>{_said(sample, sample.answer)}</p>", width="content")
                st.button(
                    "Undo", key=f"undo-{key}", type="tertiary", on_click=_retract,
                    args=(session, sample),
                )  # fmt: skip
                return
            for said, icon in BUTTONS.items():
                st.button(
                    said.value.capitalize(),
                    key=f"say-{said.name}-{key}",
                    icon=icon,
                    on_click=_answer,
                    args=(session, sample, said),
                )


def _said(sample: Sample, answer: Answer) -> str:
    """Return what was answered, and what the model had said, as HTML."""
    model = f"the model said <b>{sample.predicted.value}</b>"
    if answer is Answer.CANNOT_TELL:
        return f"You could not tell; {model}."
    if answer.value == sample.predicted.value:
        return f"You agree with the model: <b>{answer.value}</b>."
    return f"You said <b>{answer.value}</b>, {model}."


def _answer(session: Session, sample: Sample, said: Answer) -> None:
    session.quality.answer(session.actions, sample, said, OPERATOR)


def _retract(session: Session, sample: Sample) -> None:
    session.quality.retract(session.actions, sample, OPERATOR)


# --- telling


def _tell(report: QualityReport) -> None:
    """Draw what the answers say."""
    drawing.heading("How the model does", "answers of the last 90 days")
    st.html(f'<p class="gw-quiet">{escape(drift_words(report.drift))}</p>')
    left, right = st.columns([3, 2], gap="large")
    with left:
        _groups("Channel", report.by_channel)
        _groups("Language", report.by_language)
        if len(report.by_model) > 1:
            _groups("Models", report.by_model)
    with right:
        _confusion(report.confusion)


def _groups(name: str, groups: Mapping[str, Accuracy]) -> None:
    rows = "".join(
        f"<tr><td><b>{escape(key[:MODEL_CHARS])}</b></td><td>{accuracy_cell(held)}</td>"
        f"<td class=num>{number(held.n)}<small>{_unclear(held)}</small></td></tr>"
        for key, held in groups.items()
    )
    st.html(
        f'<div class="gw-scroll"><table class="gw-table"><thead><tr><th>{name}</th>'
        "<th>Right, with its 95 % interval</th><th class=num>Answers</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _unclear(held: Accuracy) -> str:
    return f"{number(held.unclear)} could not be told" if held.unclear else ""


def _confusion(confusion: Confusion) -> None:
    """Draw what people said against what the model had said; right answers on the diagonal."""
    peak = max(map(max, confusion.counts)) or 1
    names = [label.value for label in LABELS]
    rows = ""
    for row, said in enumerate(names):
        cells = "".join(
            f'<td class="num {"right" if row == column else "wrong"}" '
            f'style="--depth:{round(100 * count / peak)}%">{number(count)}</td>'
            for column, count in enumerate(confusion.counts[row])
        )
        rows += f"<tr><th>{said}</th>{cells}</tr>"
    heads = "".join(f"<th class=num>{name}</th>" for name in names)
    st.html(
        '<table class="gw-confusion"><thead><tr><td></td><th colspan=3>the model said</th></tr>'
        f"<tr><th>people said</th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )
