"""What charts mark is what people pinned, new levels, and changes of query and model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from alerts.handling import Deed, Event
from app.moments import moments_in
from app.queries import Queries
from app.reporting import build_report
from app.scope import Scope
from app.stores.incident_events import EventStore
from charts.moments import Moment
from core.settings import ModelSettings
from core.versions import SENTIMENT, Tagging, Version, VersionKind, VersionStep
from core.window import TimeWindow
from nlp.card import scoring_of
from tests.fakes import crisis
from tests.fakes.crisis_home import Home

HOUR = timedelta(hours=1)
STATEMENT = Moment(crisis.NOW - 20 * HOUR / 60, "statement 14:40")
QUERY = Moment(crisis.NOW - 9 * HOUR, "query of Acme changed")
MODEL = Moment(crisis.NOW - 3 * HOUR, "sentiment model en@2 -> en@3")
WINDOW = TimeWindow.before(crisis.NOW + HOUR, timedelta(days=2))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Return a crisis that somebody answered, after two changes."""
    made = Home(crisis.write_home(tmp_path_factory.mktemp("moments")))
    made.application.index.apply([*crisis.ordinary(), *crisis.crisis(60)], crisis.NOW)
    first = made.clock.now
    made.application.state.versions.add(
        [
            Version(
                VersionKind.QUERY, "Acme", 1, first, VersionStep.FIRST, Tagging(query="acme"), "no"
            ),
            *(
                Version(
                    VersionKind.QUERY,
                    topic,
                    2,
                    QUERY.at,
                    VersionStep.CHANGED,
                    Tagging(query=query),
                    f"query of {topic} changed",
                )
                for topic, query in (("Acme", "acme"), ("Quiet", "nobody"))
            ),
            Version(
                *SENTIMENT,
                2,
                MODEL.at,
                VersionStep.CHANGED,
                scoring_of(ModelSettings()),
                MODEL.words,
            ),
        ]
    )
    # As it was before the changes: what is judged is not what is tested here.
    made.application.state.versions.add(
        [Version(VersionKind.QUERY, "Acme", 3, first, VersionStep.AGAIN, Tagging(query="acme"))]
    )
    made.evaluate("Acme volume")
    yield made
    made.application.close()


def pin(home: Home) -> str:
    """Let somebody say what was done; return the incident."""
    (incident,) = home.application.state.incidents()
    store = EventStore(home.application.state)
    if not store.of(incident.id):
        store.add(Event(incident.id, STATEMENT.at, Deed.PIN, "kim", STATEMENT.words))
        store.add(Event(incident.id, STATEMENT.at, Deed.COMMENT, "kim", "no moment"))
    return incident.id


def test_moments_are_those_of_the_topic_and_of_all(home: Home) -> None:
    """In order; what was first or done again is no change, and another topic's is its own."""
    pin(home)
    state = home.application.state
    assert moments_in(state, WINDOW, ("Acme",)) == (QUERY, MODEL, STATEMENT)
    assert [one.words for one in moments_in(state, WINDOW, ("Quiet",))] == [
        "query of Quiet changed",
        MODEL.words,
    ]
    assert len(moments_in(state, WINDOW)) == 4
    assert moments_in(state, TimeWindow.before(QUERY.at, HOUR), ("Acme",)) == ()


def test_a_new_level_is_a_moment(home: Home) -> None:
    """With by what factor it is new, where that is known."""
    state = home.application.state
    incident = state.incident(pin(home))
    assert incident is not None
    since = crisis.NOW - HOUR / 2
    for factor, words in (
        (2.14, "new level, 2.1 times the old"),
        (0.04, "new level, 4 % of the old"),
        (None, "new level"),
    ):
        latest = incident.latest.model_copy(update={"factor": factor})
        told = incident.model_copy(update={"latest": latest, "level_since": since})
        state.save_incident(told)
        assert Moment(since, words) in moments_in(state, WINDOW, ("Acme",))
    state.save_incident(incident)


def test_page_mail_and_report_say_the_same(home: Home) -> None:
    """One way to draw, and to say in words for those who do not see the chart."""
    queries = Queries(home.application)
    key = pin(home)
    incident = home.application.state.incident(key)
    assert incident is not None
    assert queries.incident_moments(incident) == (QUERY, MODEL, STATEMENT)
    scope = Scope(topics=("Acme",))
    assert queries.overview(scope).moments == (QUERY, MODEL, STATEMENT)
    charts = [part.chart for part in build_report(queries, scope).parts if part.chart]
    told = [chart for chart in charts if "Marked: query of Acme changed" in chart.alt_text]
    assert len(told) == 2
    assert all("statement 14:40 (Thu 5 Mar 14:40)" in chart.alt_text for chart in told)
    assert home.mailer.sent
    body = home.mailer.sent[0].get_body(("html",))
    assert body is not None
    assert "Marked: query of Acme changed" in body.get_content()
