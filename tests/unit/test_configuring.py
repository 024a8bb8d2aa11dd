"""Files of the configuration are changed without losing what a person wrote in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.configuring import add_entries, change_query, ensure_folder, write_starter
from core.errors import ConfigurationError, UsageError
from core.loading import load_configuration

ENTRY = {"name": "Zenith", "query": "zenith"}


def test_the_starter_is_written_once(tmp_path: Path) -> None:
    """The starter loads; a folder that holds a configuration is refused and left alone."""
    folder = tmp_path / "new" / "configs"
    assert {path.parent for path in write_starter(folder)} == {folder}
    load_configuration(folder, {})
    (folder / "topics.yml").write_text("# mine\n")
    with pytest.raises(UsageError, match="already holds"):
        write_starter(folder)
    assert ensure_folder(folder) is False
    assert (folder / "topics.yml").read_text() == "# mine\n"
    assert ensure_folder(tmp_path / "other") is True


@pytest.mark.parametrize("where", ["file", "file/below"])
def test_a_file_is_no_folder(tmp_path: Path, where: str) -> None:
    """A path that is a file, or lies below one, is told."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        write_starter(tmp_path / where)


@pytest.mark.parametrize(
    "text",
    [
        "# what we hear\n- name: Acme  # short\n  query: acme\n",
        "# what we hear\ntopics:\n  - name: Acme  # short\n    query: acme\n",
    ],
)
def test_comments_and_order_stay(tmp_path: Path, text: str) -> None:
    """An added entry comes last, and every comment is still where it was."""
    path = tmp_path / "topics.yml"
    path.write_text(text, encoding="utf-8")
    after = add_entries(tmp_path, "topics", [ENTRY])
    assert [topic.name for topic in after.topics] == ["Acme", "Zenith"]
    written = path.read_text(encoding="utf-8")
    assert written.startswith("# what we hear\n")
    assert "name: Acme  # short\n" in written
    assert written.startswith(text)


@pytest.mark.parametrize("text", [None, "", "# only words\n"])
def test_an_entry_can_be_the_first(tmp_path: Path, text: str | None) -> None:
    """A missing file, an empty one, and one of comments alone take a first entry."""
    path = tmp_path / "topics.yml"
    if text is not None:
        path.write_text(text)
    assert [topic.name for topic in add_entries(tmp_path, "topics", [ENTRY]).topics] == ["Zenith"]
    assert path.read_text().startswith(text or "-")


def test_a_wrong_change_is_taken_back(tmp_path: Path) -> None:
    """What would make the configuration wrong leaves the file as it was, or not there."""
    wrong = {"name": "x", "query": "acme AND ("}
    with pytest.raises(ConfigurationError, match="column"):
        add_entries(tmp_path, "topics", [wrong])
    assert not (tmp_path / "topics.yml").exists()
    text = "- {name: Acme, query: acme, examples: {match: [acme here]}}  # ours\n"
    (tmp_path / "topics.yml").write_text(text)
    for query in ("zenith", "acme AND ("):
        with pytest.raises(ConfigurationError):
            change_query(tmp_path, "Acme", query)
        assert (tmp_path / "topics.yml").read_text() == text


def test_a_changed_query_gets_the_next_version(tmp_path: Path) -> None:
    """Each change of a query counts its version up; an unknown topic is an error."""
    (tmp_path / "topics.yml").write_text("- name: Acme\n  query: acme  # broad\n")
    change_query(tmp_path, "Acme", "acme NOT road")
    after = change_query(tmp_path, "Acme", 'acme NOT "road runner"')
    assert after.topics[0].query == 'acme NOT "road runner"'
    assert after.topics[0].query_version == 3
    with pytest.raises(UsageError, match="no topic is named 'Zenith'"):
        change_query(tmp_path, "Zenith", "x")


def test_a_file_that_is_no_list_is_named(tmp_path: Path) -> None:
    """Nothing is added to a file of another shape."""
    (tmp_path / "topics.yml").write_text("name: Acme\n")
    with pytest.raises(ConfigurationError, match=r"topics\.yml: must hold a list"):
        add_entries(tmp_path, "topics", [ENTRY])
