"""Themes of a taxonomy: by query, by example, as media topics; and how they are measured."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import BadInputError, ModelError
from core.media_topics import MEDIA_TOPICS
from core.mention import Mention
from core.themes import DEFAULT_THEMES, Theme
from nlp.themes.evaluation import classes_of, evaluate_themes, measure_themes
from nlp.themes.mapping import (
    NEWS_CLASSES,
    TWEET_TOPICS,
    Labelled,
    is_known,
    read_labelled_themes,
    themes_of,
)
from nlp.themes.taxonomy import MOST, ThemeFinder
from nlp.vectors import load_vectors

OWN = (
    Theme(name="Delivery", query="late NEAR/6 parcel OR lieferung"),
    Theme(
        name="Rain",
        examples=("It rained all day and we got soaked", "Heavy rain is falling again"),
    ),
    Theme(name="Money", code="medtop:04000000"),
)


@pytest.fixture(scope="module")
def default() -> ThemeFinder:
    """The media topics."""
    return ThemeFinder(DEFAULT_THEMES, load_vectors())


@pytest.fixture(scope="module")
def own() -> ThemeFinder:
    """A taxonomy of one's own."""
    return ThemeFinder(OWN, load_vectors())


@pytest.mark.parametrize(
    ("text", "theme"),
    [
        ("The striker scored a late goal and they won the cup final", "sport"),
        ("Shares fell after the bank cut its profit forecast", "economy, business and finance"),
        ("Soldiers and rebels clashed, a bomb killed civilians", "conflict, war and peace"),
        ("Researchers launched a new satellite into space", "science and technology"),
        ("The senate votes on the bill, the president will sign it", "politics and government"),
        ("My doctor sent me to hospital with flu symptoms", "health"),
    ],
)
def test_media_topics_are_told_apart(default: ThemeFinder, text: str, theme: str) -> None:
    """A plain sentence about one thing has its theme first."""
    assert default.by_meaning([text])[0][:1] == (theme,)


def test_a_text_about_nothing_has_no_theme(default: ThemeFinder) -> None:
    """A greeting, an emoji, an address and nothing at all have none."""
    assert default.by_meaning(["", "😀", "https://example.org", "hi"]) == [(), (), (), ()]


def test_no_text_has_more_themes_than_may_be(default: ThemeFinder) -> None:
    """A text that is about everything gets the likeliest few."""
    text = "football bank war science hospital president school church film police strike storm"

    assert len(default.by_meaning([text * 5])[0]) <= MOST


def test_an_example_leads_to_its_theme(own: ThemeFinder) -> None:
    """What is like an example has the theme, what is not has none of it."""
    like, unlike = own.by_meaning(["Heavy rain all day again, we are soaked", "I sold my car"])

    assert like == ("Rain",)
    assert "Rain" not in unlike


def test_a_query_leads_to_its_theme_in_any_language(own: ThemeFinder) -> None:
    """Queries read the words, whatever the language."""
    german = Mention(id="a", text="Die Lieferung kam nie an", language="de")
    english = Mention(id="b", text="my parcel is late", title="Refund")

    assert own.by_query(german) == ("Delivery",)
    assert own.by_query(english) == ("Delivery",)
    assert own.by_query(Mention(id="c", text="all fine")) == ()


def test_themes_are_joined_in_the_order_of_the_configuration(own: ThemeFinder) -> None:
    """What query and meaning find is named once, in the configuration's order and spelling."""
    assert own.joined(("Money", "Rain"), ("Delivery", "Money")) == ("Delivery", "Rain", "Money")
    assert own.names == ("Delivery", "Rain", "Money")


def test_the_name_changes_with_the_taxonomy(own: ThemeFinder) -> None:
    """So that what another taxonomy said is known to be another's."""
    other = ThemeFinder(OWN[:2], load_vectors())

    assert own.name == ThemeFinder(OWN, None).name != other.name
    assert own.models == (own.name, load_vectors().name)


def test_without_vectors_queries_are_left() -> None:
    """A finder without vectors understands no language, and says nothing by meaning."""
    finder = ThemeFinder(OWN, None)

    assert finder.languages == frozenset()
    assert finder.by_meaning(["Shares fell after the bank cut its forecast"]) == [()]
    assert ThemeFinder((), None).by_query(Mention(id="a", text="x")) == ()


def test_an_example_without_a_known_word_is_told() -> None:
    """An example that the vectors cannot read is an error that names theme and example."""
    theme = Theme(name="Regen", examples=("雨雨雨",))

    with pytest.raises(ModelError, match=r"Regen\.examples: '雨雨雨' holds no word"):
        ThemeFinder([theme], load_vectors())


def test_labels_of_the_data_sets_stand_for_media_topics() -> None:
    """Each mapped code exists, spelling does not matter, and unknown labels map to nothing."""
    mapped = {code for codes in (*NEWS_CLASSES.values(), *TWEET_TOPICS.values()) for code in codes}

    assert mapped <= set(MEDIA_TOPICS)
    assert themes_of("Sci/Tech") == themes_of("sci/tech") != frozenset()
    assert themes_of("film_tv_&_video") == frozenset()
    assert themes_of("Film, TV & Video") == {"medtop:01000000"}
    assert is_known("Diaries & Daily Life")
    assert not is_known("surprise")


def test_tables_and_json_lines_are_read(tmp_path: Path) -> None:
    """Both forms give texts and labels; other columns and keys are allowed."""
    table = tmp_path / "a.tsv"
    table.write_text("id\ttext\tlabel\n1\tgoal\tsport|health\r\n\n2\thm\t\n", encoding="utf-8")
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"id": 1, "text": "goal", "topics": ["Sports"]}\n\n', encoding="utf-8")

    assert read_labelled_themes(table) == [
        Labelled("goal", ("sport", "health")),
        Labelled("hm", ()),
    ]
    assert read_labelled_themes(lines) == [Labelled("goal", ("Sports",))]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "row 1: no column 'text'"),
        (b"text\tlabel\n", "no rows"),
        (b"text\ttopic\na\tb\n", "row 1: no column 'label'"),
        (b"text\tlabel\na\n", "row 2: 1 columns, expected 2"),
        (b"text\tlabel\n\xff\tsport\n", "row 2: not UTF-8"),
        (b'{"text": "a", "topics": ["x"]}\n{"text"\n', "row 2: not JSON"),
        (b'{"text": 5, "topics": []}', "row 1: expected an object with a text"),
        (b'{"text": "a"}', "row 1: expected a list of labels under one of 'topics'"),
        (b'{"text": "a", "labels": "sport"}', "row 1: expected a list"),
    ],
)
def test_bad_files_are_told_with_their_row(tmp_path: Path, content: bytes, message: str) -> None:
    """The message names the file and the row."""
    path = tmp_path / "bad.tsv"
    path.write_bytes(content)

    with pytest.raises(BadInputError, match=r"bad\.tsv") as raised:
        read_labelled_themes(path)
    assert message in str(raised.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """So is one that is not there."""
    with pytest.raises(BadInputError, match="cannot be read"):
        read_labelled_themes(tmp_path / "none.tsv")


def test_an_unknown_label_is_told_with_what_is_allowed() -> None:
    """A label that is no theme and of no known data set is an error; one without theme is not."""
    rows = [Labelled("a", ("Delivery", "Diaries & Daily Life"))]

    with pytest.raises(BadInputError, match="label 'Parcels' is unknown; use the names of themes"):
        classes_of([Labelled("a", ("Parcels",))], OWN)
    classes, unmapped = classes_of(rows, OWN)
    assert [entry.columns for entry in classes] == [(0,)]
    assert unmapped == {"Diaries & Daily Life": 1}
    with pytest.raises(BadInputError, match="no label stands for any of the themes"):
        classes_of([Labelled("a", ("Diaries & Daily Life",))], OWN)


def test_measures_are_those_of_the_table() -> None:
    """Precision, recall, F1, accuracy and coverage by hand."""
    themes = [Theme(name="a", query="a"), Theme(name="b", query="b")]
    rows = [Labelled("", (label,)) for label in ("a", "a", "b", "b")]
    classes, _ = classes_of(rows, themes)
    probabilities = np.array([[0.9, 0.1], [0.4, 0.3], [0.6, 0.2], [0.1, 0.8]])

    found = measure_themes(rows, probabilities, classes)

    assert found["classes"]["a"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert found["classes"]["b"] == {
        "precision": 1.0,
        "recall": 0.5,
        "f1": 0.6667,
        "support": 2,
    }
    assert found["micro_f1"] == round(2 * 2 / (4 + 3), 4)
    assert found["accuracy"] == 0.75
    assert found["coverage"] == 0.75
    assert found["accuracy_covered"] == round(2 / 3, 4)
    low, high = found["interval_95"]["accuracy"]
    assert low <= 0.75 <= high


def test_several_labels_have_no_accuracy() -> None:
    """Where a text may have several themes there is no one right answer to count."""
    rows = [Labelled("", ("Delivery", "Money")), Labelled("", ())]
    classes, _ = classes_of(rows, OWN)

    found = measure_themes(rows, np.array([[1.0, 0, 1.0], [0, 0, 0]]), classes)

    assert "accuracy" not in found
    assert found["micro_f1"] == 1.0


def test_a_file_is_evaluated(tmp_path: Path) -> None:
    """The whole way from a file to measures, by the bundled model."""
    path = tmp_path / "news.tsv"
    rows = [
        "The team won the cup after penalties\tSports",
        "Profits rose and shares went up\tBusiness",
        "Rebels fired on soldiers near the border\tWorld",
        "A new browser blocks malware\tSci/Tech",
    ]
    path.write_text("text\tlabel\n" + "\n".join(rows) + "\n", encoding="utf-8")

    found = evaluate_themes(path)

    assert found["n"] == 4
    assert found["accuracy"] == 1.0
    assert set(found["per_class"]) == {"Sports", "Business", "World", "Sci/Tech"}
    assert 0 < found["answered"]["coverage"] <= 1
    assert found["model"].startswith("vectors-en@")
    assert found["without_theme"] == {}


@pytest.mark.public_data
def test_public_news_are_told_apart(public_data: Path) -> None:
    """On news of four classes the model does at least what its card says it does."""
    found = evaluate_themes(public_data / "themes" / "ag_news_half.tsv")

    assert found["accuracy"] >= 0.85
