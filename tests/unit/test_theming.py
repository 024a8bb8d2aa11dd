"""Themes where people see them: counted, trending, named in words, a filter, a cause."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.bootstrap import Application
from app.causes import find_causes
from app.naming import BORROWED_CHARS, LABEL_CHARS, headline, name_themes, shortened
from app.queries import Queries
from app.scope import Scope
from app.scope_reading import parse_scope
from app.theming import count_themes
from core.mention import Mention
from core.themes import Theme
from tests.fakes import scenario
from tests.fakes.homes import fill_home, open_scenario
from tests.fakes.memory_index import MemoryIndex

ACME = Scope(topics=("Acme",))
CRISIS = "d0c0ffee0000"


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The scenario's month."""
    application = open_scenario(fill_home(tmp_path_factory.mktemp("themes")))
    yield application
    application.close()


def _themed(mention: Mention) -> Mention:
    """Return the mention with themes instead of what else the crisis could be named by."""
    found = mention.enrichment
    if found is None:
        return mention
    is_crisis = bool(found.hashtags)
    changed = {
        "hashtags": (),
        "story_id": None,
        "themes": ("Delivery", "sport") if is_crisis else ("sport",),
        "discovered_theme": CRISIS if is_crisis else f"d{mention.id}",
        "phrases": ("late parcel", "late", "parcel", "acme parcel") if is_crisis else ("kettle",),
    }
    made = found.model_copy(update=changed)
    return mention.model_copy(update={"links": (), "enrichment": made})


@pytest.fixture
def queries(application: Application) -> Queries:
    """Questions about mentions with themes, of which one is the crisis's."""
    themes = (Theme(name="Delivery", query="late"), Theme(name="sport", code="medtop:15000000"))
    configuration = application.configuration.model_copy(update={"themes": themes})
    other = replace(application, configuration=configuration)
    other.__dict__["state"] = application.state
    other.__dict__["index"] = MemoryIndex([_themed(m) for m in scenario.mentions()])
    return Queries(other)


def test_themes_trend_by_their_names(queries: Queries) -> None:
    """The taxonomy's theme is spelt as configured, the discovered one named by its phrases."""
    rows = {row.term: row for row in queries.trends(ACME) if row.kind in ("theme", "discovered")}

    assert (rows["delivery"].kind, rows["delivery"].label) == ("theme", "Delivery")
    assert (rows[CRISIS].kind, rows[CRISIS].label) == ("discovered", "Late parcel")
    for row in rows.values():
        assert queries.count(row.scope) == row.observed > 0


def test_themes_are_counted(queries: Queries) -> None:
    """Each with its share of the mentions, and a link that opens exactly those."""
    total = queries.count(ACME)

    found = count_themes(queries, ACME, total)

    names = [(entry.name, entry.is_discovered) for entry in found]
    assert names == [("sport", False), ("Delivery", False), ("Late parcel", True)]
    for entry in found:
        assert queries.count(entry.scope) == entry.count
        assert entry.share == entry.count / total
    assert count_themes(queries, ACME, 0) == ()


def test_the_overview_holds_them(queries: Queries) -> None:
    """The first page shows the same."""
    overview = queries.overview(ACME)

    assert [entry.name for entry in overview.themes][-1] == "Late parcel"


def test_a_theme_is_a_cause(queries: Queries) -> None:
    """What the burst holds far more of than before is named."""
    top = queries.trends(ACME)[0]
    selection = replace(queries.selection(ACME), window=None)

    causes = find_causes(queries.index, selection, top.window)

    assert ("theme", "delivery") in [(cause.field, cause.value) for cause in causes]


def test_a_theme_is_a_filter(queries: Queries) -> None:
    """It stands in the address, narrows the mentions, and comes back from the address."""
    scope = replace(ACME, themes=("delivery",))

    assert scope.is_filtered
    assert scope.url("mentions") == "mentions?topic=Acme&theme=delivery"
    read, problems = parse_scope(
        {"topic": ["Acme"], "theme": ["Delivery"]}, queries.configuration, scenario.NOW
    )
    assert (read, problems) == (scope, [])
    assert 0 < queries.count(scope) < queries.count(ACME)


def test_a_theme_without_phrases_is_named_by_its_first_mention(queries: Queries) -> None:
    """Where nothing stands out the headline of what began it says most; nothing has no name."""
    selection = queries.selection(ACME)
    calm = next(m for m in scenario.mentions() if not (m.enrichment and m.enrichment.hashtags))
    alone = f"d{calm.id}"

    named = name_themes(queries, [alone, "dunknown"], replace(selection, window=None), frozenset())

    assert named == {alone: f"“{shortened(headline(calm), BORROWED_CHARS)}”"}
    assert name_themes(queries, [], selection, frozenset()) == {}


@pytest.mark.parametrize(
    ("title", "text", "line"),
    [
        ("Acme opens a depot", "long text", "Acme opens a depot"),
        (None, "RT @wire: Acme is down https://t.example/x", "Acme is down"),
        (None, "https://t.example/x", "https://t.example/x"),
        (None, "No. Really not.", "No. Really not."),
        (None, "Acme closes its oldest sorting centre. The rest follows.", None),
    ],
)
def test_headlines_are_lines(title: str | None, text: str, line: str | None) -> None:
    """A title as it is, else the first sentence without addresses."""
    expected = line or "Acme closes its oldest sorting centre."

    assert headline(Mention(id="a", title=title, text=text)) == expected


def test_long_lines_are_cut_at_a_word() -> None:
    """No word is cut in two where there is a space to cut at, and a row of signs is cut anyway."""
    cut = shortened("a very long headline " * 10)

    assert len(cut) <= LABEL_CHARS
    assert cut.endswith(("headline…", "long…", "very…", "a…"))
    assert len(shortened("x" * 500)) == LABEL_CHARS
