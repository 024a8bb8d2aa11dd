"""Writing configuration: the commented starter, and changes that keep a person's comments."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from app.stores.segment import replace_file
from core.errors import ConfigurationError, Problem, UsageError
from core.loading import FILES, load_configuration
from core.settings import Configuration

STARTER = Path(__file__).parent / "starter"


def write_starter(folder: Path) -> list[Path]:
    """Write the commented starter configuration into ``folder`` and return the files.

    Raises UsageError, with nothing written, when the folder holds a configuration already.
    """
    held = [name for name in FILES.values() if (folder / name).exists()]
    if held:
        raise UsageError(f"{folder} already holds {', '.join(held)}; name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as err:
        raise UsageError(f"{err.filename or folder} is a file; name a folder") from err
    written = []
    for name in FILES.values():
        path = folder / name
        path.write_text((STARTER / name).read_text(encoding="utf-8"), encoding="utf-8")
        written.append(path)
    return written


def ensure_folder(folder: Path) -> bool:
    """Write the starter where ``folder`` holds no configuration; return whether it did."""
    if any((folder / name).exists() for name in FILES.values()):
        return False
    write_starter(folder)
    return True


def add_entries(folder: Path, kind: str, entries: Sequence[Mapping[str, Any]]) -> Configuration:
    """Add ``entries`` to the file of ``kind`` (sources, topics, ...), keeping its comments."""

    def change(listed: CommentedSeq) -> None:
        for entry in entries:
            listed.append(CommentedMap(entry))

    return _edit(folder, kind, change)


def change_query(folder: Path, topic: str, query: str) -> Configuration:
    """Give the topic another query and the next query version, keeping the file's comments.

    Raises UsageError for an unknown topic, ConfigurationError, with nothing changed, for a query
    that is wrong or fails the topic's examples.
    """

    def change(listed: CommentedSeq) -> None:
        entry = next((entry for entry in listed if entry.get("name") == topic), None)
        if entry is None:
            raise UsageError(f"no topic is named {topic!r}")
        entry["query"] = query
        entry["query_version"] = int(entry.get("query_version", 1)) + 1

    return _edit(folder, "topics", change)


def _edit(folder: Path, kind: str, change: Callable[[CommentedSeq], None]) -> Configuration:
    """Apply ``change`` to the list in a file and return the new configuration.

    A change that makes the configuration wrong is taken back.
    """
    path = folder / FILES[kind]
    yaml = YAML()
    yaml.width = 100
    before = path.read_bytes() if path.exists() else None
    data = yaml.load(before.decode("utf-8")) if before else None
    if isinstance(data, CommentedMap):
        yaml.indent(mapping=2, sequence=4, offset=2)
    if isinstance(data, CommentedMap) and kind in data:
        listed = data[kind]
    elif data is None:
        data = listed = CommentedSeq()
        if before:
            # A file of comments alone: what it explains stays above the first entry.
            data.yaml_set_start_comment(_uncommented(before.decode("utf-8")))
    else:
        listed = data
    if not isinstance(listed, CommentedSeq):
        raise ConfigurationError([Problem(path.name, "", "must hold a list to add to")])
    change(listed)
    text = StringIO()
    yaml.dump(data, text)
    replace_file(path, text.getvalue().encode("utf-8"))
    try:
        return load_configuration(folder, os.environ)
    except ConfigurationError:
        if before is None:
            path.unlink()
        else:
            replace_file(path, before)
        raise


def _uncommented(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("#")]
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines) + "\n"
