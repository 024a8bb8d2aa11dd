"""From a configuration folder and the environment to a checked ``Configuration``.

Every error is collected and reported at once, with file, key path and what is allowed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from core.errors import ConfigurationError, Problem, QueryError
from core.mention import Channel, Mention
from core.query.ast import Node
from core.query.evaluate import matches
from core.query.parser import check_topic_query, parse
from core.rules import CompetitorMoveRule, Rule, SourceOutageRule, TopicRule, topics_of
from core.settings import Configuration, Topic
from core.window import EPOCH

ENVIRONMENT_PREFIX = "GROUNDSWELL_"
RESERVED = ("HOME", "CONFIG", "NOW", "PUBLIC_DATA", "CI", "LINK_SECRET")
SECRETS = (
    ("index", "password"),
    ("index", "api_key"),
    ("mail", "password"),
)
"""Settings that a file must not hold; the state's URL may, as it often has no password."""

FILES = {
    "settings": "settings.yml",
    "sources": "sources.yml",
    "topics": "topics.yml",
    "themes": "themes.yml",
    "alerts": "alerts.yml",
    "audiences": "audiences.yml",
}


def load_configuration(folder: Path, environment: Mapping[str, str]) -> Configuration:
    """Return the configuration in ``folder``, overridden by ``environment``.

    A missing file leaves its defaults; a missing folder is an error.

    Raises ConfigurationError with every problem found.
    """
    if not folder.is_dir():
        hint = "no such folder; `groundswell init DIR` writes one to start from"
        raise ConfigurationError([Problem(str(folder), "", hint)])
    problems: list[Problem] = []
    data: dict[str, Any] = {}
    for kind, name in FILES.items():
        loaded = _read_file(folder / name, kind, problems)
        if loaded is not None:
            data[kind] = loaded
    _refuse_secrets(data.get("settings"), problems)
    data["settings"] = _with_environment(data.get("settings") or {}, environment, problems)
    configuration = _validate(data, problems, _variables(environment))
    if configuration is not None:
        problems.extend(_cross_check(configuration))
    if problems or configuration is None:
        raise ConfigurationError(problems)
    return configuration


def _read_file(path: Path, kind: str, problems: list[Problem]) -> Any:
    """Return the file's data; None if it is missing, empty or unreadable (then with a problem)."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as err:
        problems.append(
            Problem(path.name, "", f"is not UTF-8 (byte {err.start}); save it as UTF-8")
        )
        return None
    except OSError as err:
        problems.append(Problem(path.name, "", f"cannot be read: {err.strerror}"))
        return None
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problems.append(Problem(path.name, "", f"{where}{getattr(err, 'problem', None) or err}"))
        return None
    except ValueError as err:
        # What looks like a date is read as one, such as 2026-13-40.
        problems.append(Problem(path.name, "", f"holds a date that does not exist: {err}"))
        return None
    return None if data is None else _shaped(data, path, kind, problems)


def _shaped(data: Any, path: Path, kind: str, problems: list[Problem]) -> Any:
    """Return the settings' keys or a file's list; None if it is neither (then with a problem)."""
    if kind == "settings":
        if isinstance(data, dict):
            return data
        problems.append(Problem(path.name, "", "must hold keys and values"))
        return None
    if isinstance(data, dict) and set(data) == {kind}:
        data = data[kind]
    if not isinstance(data, list):
        problems.append(
            Problem(path.name, "", "must hold a list, each entry beginning with '- name:'")
        )
        return None
    return data


def _refuse_secrets(settings: Any, problems: list[Problem]) -> None:
    if isinstance(settings, dict) and isinstance(named := settings.pop("notify", None), dict):
        for name in named:
            variable = f"{ENVIRONMENT_PREFIX}NOTIFY__{str(name).upper()}"
            message = f"its address is a secret; set the environment variable {variable}"
            problems.append(Problem(FILES["settings"], f"notify.{name}", message))
    for section, key in SECRETS:
        held = settings.get(section) if isinstance(settings, dict) else None
        if isinstance(held, dict) and held.pop(key, None) is not None:
            variable = f"{ENVIRONMENT_PREFIX}{section.upper()}__{key.upper()}"
            message = f"secrets do not stand in files; set the environment variable {variable}"
            problems.append(Problem(FILES["settings"], f"{section}.{key}", message))


def _with_environment(
    settings: dict[str, Any], environment: Mapping[str, str], problems: list[Problem]
) -> dict[str, Any]:
    """Return ``settings`` with GROUNDSWELL_SECTION__KEY variables laid over them."""
    merged = {key: dict(v) if isinstance(v, dict) else v for key, v in settings.items()}
    for path, variable in _variables(environment).items():
        target = merged
        for part in path[:-1]:
            below = target.setdefault(part, {})
            if not isinstance(below, dict):
                problems.append(Problem(variable, "", f"{part} has no keys below it"))
                break
            target = below
        else:
            target[path[-1]] = _environment_value(environment[variable])
    return merged


def _variables(environment: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Return the variables that override settings, by the keys that they name."""
    found = {}
    for variable in sorted(environment):
        name = variable.removeprefix(ENVIRONMENT_PREFIX)
        if name != variable and name not in RESERVED and not name.startswith("TEST_"):
            found[tuple(name.lower().split("__"))] = variable
    return found


def _environment_value(value: str) -> Any:
    """Return lists for ``[a, b]`` and mappings for ``{a: b}``, anything else as written."""
    if value[:1] in ("[", "{"):
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError:
            return value
    return value


def _validate(
    data: dict[str, Any], problems: list[Problem], variables: Mapping[tuple[str, ...], str]
) -> Configuration | None:
    try:
        return Configuration.model_validate(data)
    except ValidationError as err:
        problems.extend(_problem(error, data, variables) for error in err.errors(include_url=False))
        return None


def _problem(error: Any, data: dict[str, Any], variables: Mapping[tuple[str, ...], str]) -> Problem:
    location = [
        part
        for at, part in enumerate(error["loc"])
        if not _is_tag(error["loc"], at) and part != KEY_ITSELF
    ]
    file = FILES.get(str(location[0]), "") if location else ""
    key = ""
    at: Any = data.get(str(location[0])) if location else None
    for part in location[1:]:
        at = _below(at, part)
        if isinstance(part, int):
            name = at.get("name") if isinstance(at, dict) else None
            key += f"[{part}]" + (f" ({name})" if name else "")
        else:
            key += f".{part}" if key else str(part)
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        below, message = _unknown_tag(error)
        key += f".{below}"
    if error["type"] == "extra_forbidden":
        message = _unknown_key(error, location)
    if location[:1] == ["settings"]:
        # What a variable says stands in no file: its name is where to mend it.
        keys = tuple(str(part) for part in location[1:])
        for path, variable in variables.items():
            shared = min(len(path), len(keys))
            if shared and path[:shared] == keys[:shared]:
                file = variable
    return Problem(file, key, message)


KEY_ITSELF = "[key]"
"""What pydantic names after a key that is wrong itself."""

TAGGED = ("sources", "alerts")
"""Files whose entries are told apart by a key: pydantic names its value after the entry."""


def _is_tag(location: Sequence[Any], at: int) -> bool:
    return at == 2 and location[0] in TAGGED


def _unknown_tag(error: Any) -> tuple[str, str]:
    """Return the key that tells entries apart, and which values it allows."""
    context = error["ctx"]
    key = str(context["discriminator"]).strip("'")
    if "tag" not in context:
        return key, "is needed"
    tag = str(context["tag"])
    # Written as Python does: 'feed', or <RuleKind.DIGEST: 'digest'>.
    allowed = re.findall(r"'(\w+)'", str(context["expected_tags"]))
    close = difflib.get_close_matches(tag, allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return key, f"{tag!r} is not known{hint} (allowed: {', '.join(allowed)})"


def _below(at: Any, part: object) -> Any:
    if isinstance(at, dict):
        return at.get(part)
    is_within = isinstance(at, list) and isinstance(part, int) and part < len(at)
    return at[part] if is_within else None


def _unknown_key(error: Any, location: list[Any]) -> str:
    allowed = _allowed_keys(error["loc"])
    close = difflib.get_close_matches(str(location[-1]), allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown key{hint} (allowed: {', '.join(allowed)})"


def _allowed_keys(location: tuple[Any, ...]) -> list[str]:
    """Return the keys that the section holding the unknown one allows."""
    schema: Any = Configuration.model_json_schema()
    definitions = schema.get("$defs", {})
    for at, part in enumerate(location[:-1]):
        schema = _resolve(schema, definitions)
        if isinstance(part, int):
            schema = schema.get("items", {})
        elif _is_tag(location, at):
            schema = {"$ref": schema["discriminator"]["mapping"][part]}
        else:
            schema = schema.get("properties", {}).get(part, {})
    return sorted(_resolve(schema, definitions).get("properties", {}))


def _resolve(schema: Any, definitions: Any) -> Any:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _cross_check(configuration: Configuration) -> list[Problem]:
    """Return what no single value shows: doubled names, unknown topics, queries that fail."""
    problems: list[Problem] = []
    for kind in ("sources", "topics", "themes", "alerts", "audiences"):
        problems.extend(_doubled_names(kind, getattr(configuration, kind)))
    for rule in configuration.alerts:
        problems.extend(
            Problem(FILES["alerts"], f"{rule.name}.{key}", message)
            for key, message in check_rule(rule, configuration)
        )
    for segment in configuration.audiences:
        if segment.topic is not None and configuration.topic(segment.topic) is None:
            message = _unknown_topic(segment.topic, configuration)
            problems.append(Problem(FILES["audiences"], f"{segment.name}.topic", message))
        # It is a search, so it may say ``now``; which time it is does not matter here.
        _parsed(FILES["audiences"], f"{segment.name}.query", segment.query, problems, now=EPOCH)
    notify = configuration.settings.notify
    for rule in configuration.alerts:
        for name in sorted(set(rule.notify or ()) - set(notify)):
            allowed = ", ".join(sorted(notify)) or "none is set"
            message = f"no address is named {name!r} (GROUNDSWELL_NOTIFY__...: {allowed})"
            problems.append(Problem(FILES["alerts"], f"{rule.name}.notify", message))
    for topic in configuration.topics:
        problems.extend(_check_topic(topic))
    for theme in configuration.themes:
        if theme.query is not None:
            file, key = FILES["themes"], f"{theme.name}.query"
            node = _parsed(file, key, theme.query, problems)
            problems.extend(_refused("theme", file, key, node) if node else ())
    return problems


def check_rule(rule: Rule, configuration: Configuration) -> list[tuple[str, str]]:
    """Return what is wrong with a rule under this configuration: pairs of a key and a message."""
    key = "topic" if isinstance(rule, TopicRule) else "topics"
    problems = [
        (key, _unknown_topic(name, configuration))
        for name in topics_of(rule)
        if configuration.topic(name) is None
    ]
    if isinstance(rule, TopicRule) and rule.query is not None:
        try:
            # It is a search, so it may say ``now``; which time it is does not matter here.
            parse(rule.query, EPOCH)
        except QueryError as err:
            problems.append(("query", f"column {err.column}: {err.message}"))
    if isinstance(rule, CompetitorMoveRule) and not problems:
        group = next(topic.group for topic in configuration.topics if topic.name == rule.topic)
        if sum(topic.group == group for topic in configuration.topics) < 2:
            problems.append(
                ("topic", f"{rule.topic!r} is alone in the group {group!r}: it has no share there")
            )
    if isinstance(rule, SourceOutageRule):
        known = [source.name for source in configuration.sources]
        problems += [
            ("sources", f"no source is named {name!r} (sources: {', '.join(known) or 'none'})")
            for name in rule.sources
            if name not in known
        ]
    return problems


def _unknown_topic(name: str, configuration: Configuration) -> str:
    names = ", ".join(sorted(topic.name for topic in configuration.topics))
    return f"no topic is named {name!r} (topics: {names or 'none is configured'})"


def _doubled_names(kind: str, entries: tuple[Any, ...]) -> list[Problem]:
    seen: set[str] = set()
    problems = []
    for entry in entries:
        if entry.name.casefold() in seen:
            problems.append(Problem(FILES[kind], entry.name, "the name is used twice"))
        seen.add(entry.name.casefold())
    return problems


def _parsed(
    file: str, key: str, query: str, problems: list[Problem], now: datetime | None = None
) -> Node | None:
    try:
        return parse(query, now)
    except QueryError as err:
        problems.append(Problem(file, key, f"column {err.column}: {err.message}"))
        return None


def _check_topic(topic: Topic) -> list[Problem]:
    file, problems = FILES["topics"], list[Problem]()
    node = _parsed(file, f"{topic.name}.query", topic.query, problems)
    if node is None:
        return problems
    problems.extend(_refused("topic", file, f"{topic.name}.query", node))
    for is_match, examples in ((True, topic.examples.match), (False, topic.examples.no_match)):
        for number, text in enumerate(examples):
            if matches(node, _example(text)) != is_match:
                word = "does not match" if is_match else "matches"
                key = f"{topic.name}.examples.{'match' if is_match else 'no_match'}[{number}]"
                problems.append(Problem(file, key, f"the query {word} {text!r}"))
    return problems


def _refused(kind: str, file: str, key: str, node: Node) -> list[Problem]:
    """Return a problem where a query asks for what is not known yet when it is evaluated."""
    refused = check_topic_query(node)
    if not refused:
        return []
    message = f"a {kind}'s query cannot use {', '.join(refused)}: sources do not deliver it"
    return [Problem(file, key, message)]


def _example(text: str) -> Mention:
    return Mention(id="example", text=text, channel=Channel.SOCIAL)
