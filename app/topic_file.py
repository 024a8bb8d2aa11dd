"""Edits one topic in topics.yml and leaves every other character of the file as it is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import yaml

from core.errors import UsageError


def replace_query(path: Path, topic: str, query: str, version: int) -> None:
    """Give ``topic`` another query and its version, in place, atomically.

    Comments, order and spelling of everything else stay. Raises UsageError when the file cannot
    be read or written, or does not hold the topic.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as err:
        raise UsageError(f"{path.name} cannot be edited: {err}") from err
    entry = _entry(root, topic)
    if entry is None:
        raise UsageError(f"{path.name} holds no topic named {topic!r}")
    scalars = {key.value: value for key, value in entry.value}
    edits = [(scalars["query"], _quoted(query))]
    if "query_version" in scalars:
        edits.append((scalars["query_version"], str(version)))
    else:
        column = next(key.start_mark.column for key, _ in entry.value if key.value == "query")
        line = f"\n{' ' * column}query_version: {version}"
        if entry.flow_style:
            line = f", query_version: {version}"
        edits[0] = (scalars["query"], _quoted(query) + line)
    for node, written in sorted(edits, key=lambda edit: -edit[0].start_mark.index):
        end = node.end_mark.index
        kept = text[node.start_mark.index : end]
        # A block scalar ends after its line break, which must stay.
        tail = "\n" if kept.endswith("\n") else ""
        text = text[: node.start_mark.index] + written + tail + text[end:]
    _check(text, topic, query, version, path)
    _write(path, text)


def _entry(root: yaml.Node | None, topic: str) -> yaml.MappingNode | None:
    if isinstance(root, yaml.MappingNode) and len(root.value) == 1:
        root = root.value[0][1]
    if not isinstance(root, yaml.SequenceNode):
        return None
    for entry in root.value:
        if not isinstance(entry, yaml.MappingNode):
            continue
        scalars = {key.value: value.value for key, value in entry.value}
        if str(scalars.get("name", "")).strip() == topic and "query" in scalars:
            return entry
    return None


def _quoted(query: str) -> str:
    return "'" + query.replace("'", "''") + "'"


def _check(text: str, topic: str, query: str, version: int, path: Path) -> None:
    """Read the edited text back: an unusual way of writing YAML is refused, not damaged."""
    problem = f"{path.name} is written in a way that cannot be edited; change the query by hand"
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as err:
        raise UsageError(problem) from err
    entries = next(iter(data.values())) if isinstance(data, dict) else data
    found = [e for e in entries if isinstance(e, dict) and str(e.get("name")).strip() == topic]
    if not found or (found[0]["query"], found[0].get("query_version")) != (query, version):
        raise UsageError(problem)


def _write(path: Path, text: str) -> None:
    """Replace the file in one step, with the mode that it had."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except OSError as err:
        temporary.unlink(missing_ok=True)
        raise UsageError(f"{path.name} cannot be written: {err.strerror}") from err
