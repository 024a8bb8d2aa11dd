"""A configuration folder becomes a checked configuration, or a list of all that is wrong."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.errors import ConfigurationError, Problem
from core.loading import load_configuration
from core.sections import parse_duration
from core.settings import (
    Bounds,
    Configuration,
    DashboardSettings,
    FeedSource,
    IndexEngine,
    Settings,
    Topic,
    masked,
)
from core.themes import DEFAULT_THEMES

FILES: Mapping[str, str] = {
    "settings.yml": "time_zone: Europe/Berlin\nmail: {host: mail.example.com}\n",
    "sources.yml": "- {name: news, type: feed, url: 'https://example.com/feed'}\n",
    "topics.yml": """
topics:
  - name: Acme
    query: acme
    examples: {match: [Acme rocks], no_match: [roadrunner]}
""",
    "alerts.yml": "- {name: spike, kind: volume_spike, topic: Acme, query: 'published:>now-1d'}\n",
    "audiences.yml": "- {name: fans, topic: Acme, query: 'followers:>100'}\n",
}


def _load(
    folder: Path, environment: Mapping[str, str] | None = None, **files: str
) -> Configuration:
    """Write the good files, with some replaced, and load the folder."""
    for name, text in FILES.items():
        (folder / name).write_text(files.get(name.removesuffix(".yml"), text), encoding="utf-8")
    return load_configuration(folder, environment or {})


def _problems(folder: Path, environment: Mapping[str, str] | None = None, **files: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        _load(folder, environment, **files)
    return str(caught.value)


def test_loads_a_folder(tmp_path: Path) -> None:
    """Every file finds its place, and defaults fill what is not written."""
    loaded = _load(tmp_path)
    assert loaded.settings.time_zone == "Europe/Berlin"
    assert loaded.settings.mail.port == 587
    assert isinstance(loaded.sources[0], FeedSource)
    assert loaded.topic("Acme") == loaded.topics[0]
    assert loaded.topic("other") is None
    assert (loaded.alerts[0].name, loaded.audiences[0].name) == ("spike", "fans")


def test_a_stream_may_be_a_server_of_ones_own(tmp_path: Path) -> None:
    """A websocket address is taken as written."""
    sources = "- {name: sky, type: bluesky, url: 'ws://127.0.0.1:9/x', allow_private: true}"
    assert _load(tmp_path, sources=sources).sources[0].allow_private


def test_missing_and_empty_files_leave_defaults(tmp_path: Path) -> None:
    """A folder without files is a configuration without sources and topics."""
    (tmp_path / "topics.yml").touch()
    assert load_configuration(tmp_path, {}) == Configuration()


def test_themes_are_the_media_topics_unless_others_are_named(tmp_path: Path) -> None:
    """A list replaces them, an empty one tells none, a file of comments leaves them."""
    assert [theme.name for theme in DEFAULT_THEMES][::14] == [
        "arts, culture, entertainment and media",
        "sport",
    ]
    for text, names in (
        ("# nothing yet\n", [theme.name for theme in DEFAULT_THEMES]),
        ("[]", []),
        ("- {name: Delivery, query: 'late NEAR/3 parcel AND lang:en'}", ["Delivery"]),
        ("themes: [{name: Money, code: 'medtop:04000000'}]", ["Money"]),
    ):
        (tmp_path / "themes.yml").write_text(text, encoding="utf-8")
        assert [theme.name for theme in _load(tmp_path).themes] == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {name: a}", "[0] (a): a theme needs a code, a query or examples"),
        ("- {name: a, code: 'medtop:99'}", "'medtop:99' is no media topic of the top level"),
        ("- {name: a, query: '(x'}", "a.query: column"),
        ("- {name: a, query: 'sentiment:negative'}", "a theme's query cannot use sentiment"),
        ("- {name: a, query: x}\n- {name: A, query: y}", "A: the name is used twice"),
        ("- {name: a, examples: ['']}", "[0] (a).examples[0]"),
        ("- {name: a, keywords: [x]}", "unknown key (allowed: code, examples, name, query)"),
        ("sport", "must hold a list"),
    ],
)
def test_what_is_wrong_with_a_theme_is_told(tmp_path: Path, text: str, message: str) -> None:
    """With the file, the theme and the key."""
    (tmp_path / "themes.yml").write_text(text, encoding="utf-8")
    told = _problems(tmp_path)
    assert "themes.yml" in told
    assert message in told


def test_a_missing_folder_says_how_to_begin(tmp_path: Path) -> None:
    """Without a folder the message names the command that writes one."""
    with pytest.raises(ConfigurationError, match="groundswell init"):
        load_configuration(tmp_path / "nowhere", {})


def test_environment_overrides_files(tmp_path: Path) -> None:
    """Two underscores go one level down; reserved names and other variables are left alone."""
    settings = _load(
        tmp_path,
        {
            "GROUNDSWELL_MAIL__HOST": "other.example.com",
            "GROUNDSWELL_MAIL__RECIPIENTS": "[a@example.com, b@example.com]",
            "GROUNDSWELL_MAIL__USERNAME": "[broken",
            "GROUNDSWELL_INDEX__ENGINE": "elasticsearch",
            "GROUNDSWELL_INDEX__PASSWORD": "s3cret",
            "GROUNDSWELL_HOME": "x",
            "GROUNDSWELL_TEST_X": "x",
            "PATH": "x",
        },
    ).settings
    assert settings.mail.host == "other.example.com"
    assert settings.mail.recipients == ("a@example.com", "b@example.com")
    assert settings.mail.username == "[broken"
    assert settings.index.engine is IndexEngine.ELASTICSEARCH
    assert settings.index.password is not None
    assert "s3cret" not in str(masked(Configuration(settings=settings)))


def test_reports_every_error_at_once(tmp_path: Path) -> None:
    """One run shows all that is wrong, each with its file, key and what is allowed."""
    said = _problems(
        tmp_path,
        settings="time_zone: Mars\nmail: {hots: x}\nwhatever: 1\n",
        sources="- {name: a, type: feed, url: 'ftp://x', chanel: news}\n- {type: mastodon}\n",
    )
    assert "settings.yml: time_zone: 'Mars' is no time zone" in said
    assert "settings.yml: mail.hots: unknown key; did you mean 'host'?" in said
    assert "settings.yml: whatever: unknown key (allowed: " in said
    assert "sources.yml: [0] (a).url: 'ftp://x' must begin with http" in said
    assert "sources.yml: [0] (a).chanel: unknown key; did you mean 'channel'?" in said
    assert "sources.yml: [1].name: Field required" in said


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("topics", "[", "topics.yml: line 1, column 2"),
        ("topics", "x: 1", "must hold a list"),
        ("settings", "- 1", "must hold keys and values"),
        ("settings", "models: {sentiment_labels: {1: neutral}}", "valid string"),
        ("settings", "mail: {password: x}", "GROUNDSWELL_MAIL__PASSWORD"),
        ("settings", "holidays: [UK]", "settings.yml: holidays[0]: 'UK' is no country whose"),
        ("settings", "holidays: [UK]", "GB, GD, GE"),
        ("settings", "holidays: [DE, de-xx]", "holidays[1]: 'DE-xx' is no part of DE"),
        ("settings", "holidays: [DE-XX]", "(allowed: DE, DE-Augsburg, DE-BB,"),
        ("settings", "holidays: [IS-1]", "(allowed: IS)"),
        ("settings", "holidays: [1]", "holidays[0]: Input should be a valid string"),
        ("settings", "own_holidays: {13-40: x}", "own_holidays.13-40: '13-40' is no day; write"),
        ("settings", "own_holidays: {2026-13-40: x}", "holds a date that does not exist: month"),
        ("settings", "own_holidays: {easter: x}", "write 2026-12-24, or 12-24 for that day of"),
        ("settings", "own_holidays: {12-24: ''}", "own_holidays.12-24: a name must not be empty"),
        ("topics", "- {name: Acme, query: '(a'}", "Acme.query: column 1: this bracket"),
        ("topics", "- {name: Acme, query: 'followers:>1 tag:x'}", "cannot use followers, tag"),
        ("topics", "- {name: Acme, query: 'published:>now-1d'}", "has no now"),
        ("topics", "- {name: Acme, query: a}\n- {name: acme, query: b}", "used twice"),
        ("topics", "- {name: Acme, query: a, examples: {match: [b]}}", "does not match 'b'"),
        ("topics", "- {name: Acme, query: a, examples: {no_match: [a]}}", "matches 'a'"),
        ("topics", "- {name: 'a|b', query: a}", "nor hold control characters"),
        ("topics", "[]", "no topic is named 'Acme' (topics: none is configured)"),
        ("alerts", "- {name: a, kind: volume_spike, topic: Acm}", "(topics: Acme)"),
        ("alerts", "- {name: a, kind: volume_spike, topic: Acme, query: 'x:y'}", "no field 'x'"),
        ("audiences", "- {name: a, query: '('}", "a.query: column 2"),
        ("audiences", "- {name: a, followers: {min: 2, max: 1}}", "must not be below"),
        ("sources", "- {name: a, type: bluesky, url: 'http://x'}", "ws:// or wss://"),
        ("sources", "- {name: a, type: feed, url: 'http://x', every: soon}", "is no duration"),
    ],
)
def test_says_what_is_wrong_where(tmp_path: Path, file: str, text: str, says: str) -> None:
    """Each mistake names the file and what would be allowed."""
    assert says in _problems(tmp_path, {}, **{file: text})


def test_an_address_of_a_chat_comes_from_the_environment(tmp_path: Path) -> None:
    """A chat's address is a secret: a file that holds one is refused, the environment is not."""
    said = _problems(tmp_path, settings="notify: {ops: 'slack://a/b/c'}\n")
    assert "settings.yml: notify.ops: its address is a secret" in said
    assert "GROUNDSWELL_NOTIFY__OPS" in said


def test_a_rule_tells_only_chats_that_have_an_address(tmp_path: Path) -> None:
    """A chat without an address is named with those that have one."""
    rule = "- {name: spike, kind: volume_spike, topic: Acme, notify: [ops, pr]}\n"
    environment = {"GROUNDSWELL_NOTIFY__OPS": "json://127.0.0.1/x"}
    said = _problems(tmp_path, environment, alerts=rule)
    assert "spike.notify: no address is named 'pr' (GROUNDSWELL_NOTIFY__...: ops)" in said
    assert "none is set" in _problems(tmp_path, alerts=rule)


def test_a_competitor_move_needs_company(tmp_path: Path) -> None:
    """A topic that is alone in its group has no share to lose; beside another it has."""
    rule = "- {name: move, kind: competitor_move, topic: Acme}\n"
    assert "alone in the group 'default'" in _problems(tmp_path, alerts=rule)
    two = "- {name: Acme, query: acme}\n- {name: Zenith, query: zenith, kind: competitor}\n"
    assert _load(tmp_path, alerts=rule, topics=two, audiences="").alerts[0].name == "move"


def test_a_word_that_reads_like_a_date_is_a_word(tmp_path: Path) -> None:
    """A topic may look for the word now; only relative times are refused."""
    topics = "- {name: Acme, query: 'title:now AND author:now'}"
    assert _load(tmp_path, topics=topics).topics[0].query == "title:now AND author:now"


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 and folders in place of files are problems, not crashes."""
    (tmp_path / "topics.yml").write_bytes(b"\xff\xfe")
    (tmp_path / "alerts.yml").mkdir()
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(tmp_path, {})
    assert "topics.yml: is not UTF-8 (byte 0)" in str(caught.value)
    assert "alerts.yml: cannot be read" in str(caught.value)


def test_a_variable_below_a_value_is_a_problem(tmp_path: Path) -> None:
    """A variable cannot go into something that is no section."""
    said = _problems(tmp_path, {"GROUNDSWELL_TIME_ZONE__X": "1"})
    assert "GROUNDSWELL_TIME_ZONE__X: time_zone has no keys below it" in said


def test_a_wrong_variable_is_named_itself(tmp_path: Path) -> None:
    """What a variable got wrong is mended there; what a file got wrong is mended in the file."""
    wrong = {"GROUNDSWELL_MAIL__PORT": "many", "GROUNDSWELL_MIAL__HOST": "x"}
    said = _problems(tmp_path, wrong, settings="mail: {port: 0}\nindex: {engine: paper}\n")
    assert "GROUNDSWELL_MAIL__PORT: mail.port" in said
    assert "GROUNDSWELL_MIAL__HOST: mial: unknown key; did you mean 'mail'?" in said
    assert "settings.yml: index.engine" in said


def test_durations() -> None:
    """Durations are a number and a unit; what is a timedelta stays one."""
    assert parse_duration("5m") == parse_duration("5 min") == timedelta(minutes=5)
    assert parse_duration(timedelta(1)) == timedelta(1)
    assert parse_duration("1w") == timedelta(weeks=1)


def test_links_begin_with_the_public_address() -> None:
    """Without a public address links go to this machine's dashboard."""
    assert Settings(public_url="https://gs.example.com/").link_base == "https://gs.example.com"
    local = Settings(dashboard=DashboardSettings(port=9000))
    assert local.link_base == "http://127.0.0.1:9000"


def test_values_are_checked_at_once() -> None:
    """Bounds run upwards, names are trimmed, and hashes are Argon2's."""
    assert Bounds(min=1, max=1).max == 1
    assert Topic(name=" a ", query="x").name == "a"
    with pytest.raises(ValidationError):
        DashboardSettings(password_hash="plain")


def test_a_problem_leaves_out_what_is_empty() -> None:
    """A problem reads file, key, message."""
    assert str(Problem("a.yml", "", "wrong")) == "a.yml: wrong"
