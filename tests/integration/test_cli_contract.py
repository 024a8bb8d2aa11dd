"""What later work and scripts rely on: options, exit codes and JSON of the real program."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from tests.integration.command_line import COMMAND, environment, groundswell, write_topics

pytestmark = pytest.mark.slow

ROWS = (
    "text,date,author,id\n"
    "I love my acme kettle,2026-11-20 10:00,mira,1\n"
    "The acme parcel is late again. Terrible,2026-11-20 11:00,tom,2\n"
    "acme opens at nine,2026-11-21 12:00,mira,3\n"
    "acme opens at nine,2026-11-21 12:00,mira,3\n"
    "nothing about it,2026-11-21 12:30,jo,4\n"
    ",2026-11-21 12:30,jo,5\n"
    "acme again,some day,jo,6\n"
)
MAP = "text=text,published_at=date,author=author,id=id"
NOW = "2026-11-22T12:00Z"

COMMANDS = (
    "init", "check-config", "track", "collect", "import", "enrich", "run", "dashboard", "search",
    "stats", "trends", "evaluate", "detect", "doctor", "quality",
)  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration of one topic."""
    return write_topics(tmp_path / "configs")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Return a file of seven rows."""
    path = tmp_path / "rows.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def test_imported_rows_add_up_and_come_to_an_answer(config: Path, rows: Path) -> None:
    """Import, enrich, stats and search agree; a second import stores nothing new."""
    words = ("import", rows, "--source", "s", "--map", MAP, "--json", "--config", config)
    first = groundswell(*words, "--now", NOW)
    assert first.code == 0
    assert first.document == {
        "rows": 7,
        "stored": 3,
        "duplicates": 1,
        "skipped": {"no_topic": 1, "no_text": 1, "bad_date": 1},
    }
    again = groundswell(*words).document
    assert (again["stored"], again["duplicates"]) == (0, 4)
    drained = groundswell("--config", config, "enrich", "--drain", "--json").document
    assert (drained["created"], drained["quarantined"]) == (3, 0)
    third = groundswell(*words).document
    assert (third["stored"], third["duplicates"]) == (0, 4)

    stats = groundswell("stats", "--json", "--config", config, "--now", NOW).document
    assert set(stats) == {"all", "topics"}
    for held in (stats["all"], stats["topics"]["Acme"]):
        assert set(held) == {"mentions", "stories", "authors", "sentiment", "net_sentiment"}
        assert (held["mentions"], held["stories"], held["authors"]) == (3, 3, 2)
        assert sum(held["sentiment"].values()) == 3
        assert set(held["net_sentiment"]) == {"value", "low", "high", "n"}
        assert held["net_sentiment"]["n"] == 3
    found = groundswell("--json", "search", "parcel", "--config", config).document
    assert found["total"] == 1
    assert found["mentions"][0]["author"]["id"] == "tom"
    assert found["mentions"][0]["enrichment"]["sentiment"] == "negative"
    window = ("--since", "2026-11-21", "--until", "2026-11-22", "--now", NOW)
    one_day = groundswell("stats", "--json", "--config", config, *window).document
    assert one_day["all"]["mentions"] == 1


def test_a_named_topic_tags_every_row(tmp_path: Path, rows: Path) -> None:
    """With --topic rows are taken whatever they say; a known id only gains the topic."""
    topics = "- {name: Acme, query: acme}\n- {name: Kettles, query: kettles}\n"
    config = write_topics(tmp_path / "configs", topics=topics)
    words = ("import", rows, "--source", "s", "--map", MAP, "--json", "--config", config)
    assert groundswell(*words).document["stored"] == 3
    tagged = groundswell(*words, "--topic", "Kettles").document
    assert (tagged["rows"], tagged["stored"], tagged["duplicates"]) == (7, 1, 4)
    assert tagged["skipped"] == {"no_text": 1, "bad_date": 1}
    groundswell("enrich", "--drain", "--config", config)
    topics_now = groundswell("stats", "--json", "--config", config).document["topics"]
    assert {name: held["mentions"] for name, held in topics_now.items()} == {
        "Acme": 3,
        "Kettles": 4,
    }


def test_every_command_prints_one_document(config: Path, tmp_path: Path) -> None:
    """With --json stdout is one document, whatever the command has to say besides."""
    series = tmp_path / "series.csv"
    series.write_text("timestamp,value\n2026-01-01T00:00,3\n2026-01-01T01:00,4\n")
    labelled = tmp_path / "labelled.tsv"
    labelled.write_text("text\tlabel\nI love it\tpositive\nI hate it\tnegative\nIt is\tneutral\n")
    keys = {
        ("init", tmp_path / "new"): {"folder", "files"},
        ("check-config",): {"valid", "problems", "configuration"},
        ("doctor",): {"checks"},
        ("search", "*:*"): {"total", "mentions"},
        ("trends",): {"trends"},
        ("quality",): {
            "accuracy",
            "low",
            "high",
            "n",
            "cannot_tell",
            "needed",
            "channels",
            "languages",
            "models",
            "confusion",
            "drift",
        },
        ("alerts", "list"): {"rules", "incidents"},
        ("alerts", "evaluate"): {"rules"},
        ("audience", "list"): {"segments"},
        ("detect", series): {"rows"},
        ("detect", series, "--out", tmp_path / "out.csv"): {"file"},
    }
    for words, wanted in keys.items():
        ended = groundswell(*words, "--json", "--config", config)
        assert ended.code == 0, ended
        assert set(ended.document) == wanted, words
    measured = groundswell("evaluate", "sentiment", labelled, "--json").document
    names = {"n", "accuracy", "macro_recall", "macro_f1", "texts_per_second"}
    assert names <= set(measured)
    assert measured["n"] == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("search", "--bogus"), 2, "--bogus"),
        (("fly",), 2, "fly"),
        (("search", 'acme AND ("late"'), 2, "column"),
        (("stats", "--topic", "Zenith"), 2, "topics: Acme"),
        (("stats", "--since", "someday"), 2, "'someday' is no time"),
        (("--now", "someday", "stats"), 2, "'someday' is no time"),
        (("collect", "--source", "Zenith"), 2, "no source is named 'Zenith'"),
        (("collect", "--once"), 2, "groundswell track"),
        (("alerts", "evaluate", "--rule", "x"), 2, "no rule is named 'x'"),
        (("alerts", "preview", "x"), 2, "no rule is named 'x'"),
        (("audience", "export", "x"), 2, "no segment is named 'x'"),
        (("import", "nowhere.csv"), 2, "nowhere.csv"),
        (("import", "."), 2, "."),
        (("import", "rows.csv", "--map", "text"), 2, "FIELD=COLUMN"),
        (("import", "rows.csv", "--map", "text=nope"), 2, "text, date, author, id"),
        (("import", "rows.csv", "--topic", "Zenith"), 2, "topics: Acme"),
        (("import", "rows.csv", "--time-zone", "Nowhere"), 2, "--time-zone"),
        (("import", "rows.csv", "--encoding", "klingon"), 2, "--encoding"),
        (("import", "rows.csv", "--date-format", "%Q"), 2, "'Q' is a bad directive"),
        (("import", "rows.csv", "--channel", "radio"), 2, "social"),
        (("import", "empty.csv"), 2, "empty.csv"),
        (("import", "empty.parquet"), 1, "empty.parquet"),
        (("init", "rows.csv"), 2, "rows.csv is a file"),
        (("init", "configs"), 2, "already holds"),
        (("track", "!?"), 2, "no letter or digit"),
        (("track", "x" * 81), 2, "at most 80 characters"),
        (("track", "Acme", "--hashtag", "two words"), 2, "--hashtag"),
        (("track", "Acme", "--handle", "@two words"), 2, "--handle"),
        (("evaluate", "mood", "rows.csv"), 2, "allowed: sentiment"),
        (("train", "mood"), 2, "allowed: sentiment, encoder, languages"),
        (("train", "names"), 1, "GROUNDSWELL_PUBLIC_DATA must name the folder"),
        (("evaluate", "sentiment", "nowhere.tsv"), 2, "nowhere.tsv"),
        (("evaluate", "language", "rows.csv"), 1, "wanted, separated by tabs: text, language"),
        (("evaluate", "entities", "rows.csv"), 1, "row 1: "),
        (("evaluate", "sentiment", "rows.csv"), 1, "no column 'text'"),
        (("detect", "nowhere.csv"), 2, "nowhere.csv"),
        (("detect", "."), 2, "cannot be read"),
        (("detect", "rows.csv"), 2, "timestamp, value"),
    ],
)
def test_a_mistake_is_named(
    config: Path, rows: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    """What a person mistypes ends with the right code, a sentence, and no result."""
    for name in ("empty.csv", "empty.parquet"):
        (rows.parent / name).touch()
    # Without public data, lest a command that would train with them does.
    variables = {"GROUNDSWELL_CONFIG": str(config), "GROUNDSWELL_PUBLIC_DATA": ""}
    ended = groundswell(*words, folder=rows.parent, variables=variables)
    assert ended.code == code, ended
    assert ended.out == ""
    assert said in " ".join(ended.err.replace("│", " ").split())


def test_a_mistake_changes_nothing(config: Path) -> None:
    """A name that cannot be tracked leaves the configuration as it was."""
    before = {path.name: path.read_bytes() for path in config.iterdir()}
    assert groundswell("track", "Acme", "--hashtag", "a b", "--config", config).code == 2
    assert {path.name: path.read_bytes() for path in config.iterdir()} == before


def test_all_errors_of_a_configuration_at_once(tmp_path: Path) -> None:
    """Unknown keys, bad queries, failing examples, secrets, doubled names: file, key, mend."""
    config = write_topics(
        tmp_path / "configs",
        settings="time_zome: UTC\nmail:\n  password: hunter2\n  port: 99999\n",
        topics=(
            "- {name: Acme, query: 'acme AND (late'}\n"
            "- name: Zenith\n  query: zenith\n  examples: {match: [nothing here]}\n"
            "- {name: zenith, query: other}\n"
        ),
        alerts="- {name: r, kind: volume_spike, topic: Nobody}\n",
    )
    ended = groundswell("check-config", "--config", config, "--json")
    assert ended.code == 2
    found = {(p["file"], p["key"]): p["message"] for p in ended.document["problems"]}
    assert ended.document["valid"] is False
    assert "did you mean 'time_zone'" in found["settings.yml", "time_zome"]
    assert "GROUNDSWELL_MAIL__PASSWORD" in found["settings.yml", "mail.password"]
    assert "65535" in found["settings.yml", "mail.port"]
    assert "hunter2" not in ended.out + ended.err
    (config / "settings.yml").write_text("time_zone: UTC\n")
    problems = groundswell("check-config", "--config", config, "--json").document["problems"]
    found = {(p["file"], p["key"]): p["message"] for p in problems}
    assert "column" in found["topics.yml", "Acme.query"]
    assert "does not match" in found["topics.yml", "Zenith.examples.match[0]"]
    assert "used twice" in found["topics.yml", "zenith"]
    assert "topics: Acme, Zenith" in found["alerts.yml", "r.topic"]
    told = groundswell("stats", "--config", config)
    assert told.code == 2
    assert all(key in told.err for _, key in found)


def test_the_environment_overrides_a_file(tmp_path: Path) -> None:
    """Variables stand above files, and a wrong one is named as itself."""
    config = write_topics(tmp_path / "configs", settings="mail: {host: from.file}\n")
    variables = {"GROUNDSWELL_MAIL__HOST": "from.env", "GROUNDSWELL_MAIL__PASSWORD": "hunter2"}
    shown = groundswell("check-config", "--json", "--config", config, variables=variables)
    assert shown.document["configuration"]["settings"]["mail"]["host"] == "from.env"
    assert "hunter2" not in shown.out
    wrong = {"GROUNDSWELL_MAIL__PORT": "many", "GROUNDSWELL_MIAL__HOST": "x"}
    told = groundswell("check-config", "--config", config, variables=wrong)
    assert told.code == 2
    assert "GROUNDSWELL_MAIL__PORT: mail.port" in told.err
    assert "GROUNDSWELL_MIAL__HOST: mial: unknown key; did you mean 'mail'" in told.err


def test_the_starter_proves_itself(tmp_path: Path) -> None:
    """What init writes passes check-config, and explains itself in comments."""
    folder = tmp_path / "new"
    assert groundswell("init", folder).code == 0
    assert groundswell("check-config", "--config", folder).code == 0
    assert all("#" in path.read_text() for path in folder.iterdir())


def test_detect_streams_a_row_for_a_row(tmp_path: Path) -> None:
    """The columns are the promised ones; a row does not depend on those after it."""
    lines = [f"2026-01-{1 + n // 24:02}T{n % 24:02}:00,{(n * 7) % 11}" for n in range(300)]
    path, shorter = tmp_path / "all.csv", tmp_path / "some.csv"
    path.write_text("timestamp,value\n" + "\n".join(lines) + "\n")
    shorter.write_text("timestamp,value\n" + "\n".join(lines[:200]) + "\n")
    ended = groundswell("detect", path)
    found = list(csv.DictReader(io.StringIO(ended.out)))
    columns = "timestamp value expected lower upper p_value anomaly_score is_alert"
    assert list(found[0]) == columns.split()
    assert len(found) == 300
    assert all(0 <= float(row["anomaly_score"]) <= 1 for row in found)
    assert {row["is_alert"] for row in found} <= {"true", "false"}
    assert ended.out.splitlines()[:201] == groundswell("detect", shorter).out.splitlines()
    as_json = groundswell("detect", path, "--json").document["rows"]
    assert [row["timestamp"] for row in as_json] == [row["timestamp"] for row in found]
    assert as_json[250]["value"] == float(found[250]["value"])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"2026-01-02,x", "row 2: 'x' is no number"),
        (b"2026-01-02,nan", "row 2"),
        (b"someday,1", "row 2: 'someday' is no time"),
        (b"2026-01-02", "row 2: has no value"),
        (b"2025-12-31,1", "row 2"),
        (b"2026-01-02,\xff", "no CSV in UTF-8"),
    ],
)
def test_a_bad_row_of_a_series_is_named(tmp_path: Path, row: bytes, said: str) -> None:
    """The message names the file and the row; an output file is not left half done by surprise."""
    path = tmp_path / "series.csv"
    path.write_bytes(b"timestamp,value\n2026-01-01,1\n" + row + b"\n")
    ended = groundswell("detect", path)
    assert ended.code == 2
    assert f"{path}: " in ended.err
    assert said in ended.err


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A path that cannot be written is a failure with its reason."""
    path = tmp_path / "series.csv"
    path.write_text("timestamp,value\n2026-01-01,1\n")
    ended = groundswell("detect", path, "--out", tmp_path / "nowhere" / "out.csv")
    assert ended.code == 1
    assert "nowhere/out.csv: No such file or directory" in ended.err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command: str) -> None:
    """Every command explains itself and its options, and shows an example of its use."""
    shown = CliRunner().invoke(app, [*command.split(), "--help"])
    assert shown.exit_code == 0
    assert f"groundswell {command}" in " ".join(shown.output.split())


def test_the_program_lists_its_commands() -> None:
    """The first page names every command, and nothing that is started by others only."""
    shown = groundswell("--help")
    assert shown.code == 0
    assert all(f" {command.split()[0]} " in shown.out for command in COMMANDS)
    assert "enrich-child" not in shown.out


def test_the_shell_can_complete(tmp_path: Path) -> None:
    """Completion is offered for the shell, and completes commands."""
    asked = {
        "_GROUNDSWELL_COMPLETE": "complete_bash",
        "COMP_WORDS": "groundswell che",
        "COMP_CWORD": "1",
    }
    program = "import sys; sys.argv[0] = 'groundswell'; from app.cli import main; main()"
    done = subprocess.run(
        [COMMAND[0], "-c", program],
        env=environment(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["check-config"]
    # The shell is told, as a test run has none above it that could be found out.
    told = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = groundswell("--show-completion", "bash", variables=told)
    assert shown.code == 0
    assert "complete" in shown.out


def test_now_sets_the_whole_clock(config: Path, rows: Path) -> None:
    """What is imported as of then was collected then, and ages count from then."""
    words = ("--config", config, "--now", NOW)
    groundswell("import", rows, "--source", "s", "--map", MAP, *words)
    groundswell("enrich", "--drain", *words)
    found = groundswell("search", "kettle", "--json", *words).document["mentions"][0]
    assert found["collected_at"] == found["known_at"] == "2026-11-22T12:00:00Z"
    shown = groundswell("stats", "--since", "30h", "--json", *words).document
    assert shown["all"]["mentions"] == 1


def test_a_folder_that_cannot_be_used_is_named(config: Path, tmp_path: Path) -> None:
    """A home that is a file is told by its path."""
    home = tmp_path / "file"
    home.touch()
    ended = groundswell("stats", "--config", config, variables={"GROUNDSWELL_HOME": str(home)})
    assert ended.code == 1
    assert str(home) in ended.err


def test_json_survives_texts_of_all_kinds(config: Path, tmp_path: Path) -> None:
    """NUL, U+2028, lone surrogates and markup come out as one readable document."""
    path = tmp_path / "odd.jsonl"
    texts = ["acme\u2028line [bold]x[/]", "acme \x00nul", "acme \ud83d half", "acme \u202e turned"]
    path.write_text(
        "".join(
            json.dumps({"text": text, "date": "2026-11-20T10:00:00Z", "id": n}) + "\n"
            for n, text in enumerate(texts)
        )
    )
    mapping = "text=text,published_at=date,id=id"
    taken = groundswell("import", path, "--map", mapping, "--json", "--config", config).document
    assert taken["stored"] == 4
    groundswell("enrich", "--drain", "--config", config)
    found = groundswell("search", "acme", "--json", "--config", config).document
    assert found["total"] == 4
    assert not any("\x00" in mention["text"] for mention in found["mentions"])
    shown = groundswell("search", "acme", "--config", config)
    assert shown.code == 0
    assert "[bold]x[/]" in shown.out
