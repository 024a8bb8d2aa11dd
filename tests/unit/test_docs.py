import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from core.fields import FIELD_NAMES, FIELDS
from core.loading import ENVIRONMENT_PREFIX, RESERVED
from core.rules import AnyRule, Period, RuleKind, Weekday
from core.settings import AnySource, IndexEngine, MailSecurity, Segment, Settings, Topic, TopicKind
from core.themes import Theme

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
CHOICES = sorted((DOCS / "choices").glob("*.md"))
CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def _read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", CODE_BLOCK.sub("", _read(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _named(text: str) -> set[str]:
    """Return every name that the text sets as code."""
    return set(re.findall(r"`([^`\n]+)`", text))


def _section(page: str, heading: str) -> str:
    """Return what stands under a heading, up to the next of the same or a higher level."""
    _, found, rest = _read(DOCS / page).partition(f"\n{heading}\n")
    assert found, f"{page} has no heading {heading}"
    level = heading.index(" ")
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def _find_models(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the configuration models in an annotation, through unions and annotations."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, UnionType, tuple):
        for part in get_args(annotation):
            yield from _find_models(part)


def _find_keys(model: type[BaseModel]) -> set[str]:
    keys = set()
    for name, field in model.model_fields.items():
        keys.add(name)
        for below in _find_models(field.annotation):
            keys |= _find_keys(below)
    return keys


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every link within the project leads to a file, and to a heading where it names one."""
    broken = []
    for target in LINK.findall(CODE_BLOCK.sub("", _read(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        is_broken_anchor = anchor and linked.suffix == ".md" and anchor not in _anchors(linked)
        if not linked.exists() or is_broken_anchor:
            broken.append(target)

    assert broken == []


def test_every_page_is_listed() -> None:
    """The index of the documentation leads to each of its pages."""
    listed = set(LINK.findall(_read(DOCS / "index.md")))

    pages = {page.name for page in DOCS.glob("*.md")} - {"index.md"}
    assert pages - listed == set()


@pytest.mark.parametrize("page", CHOICES, ids=lambda page: page.stem)
def test_choices_have_their_form(page: Path) -> None:
    """A choice says its context, the decision, what follows, and what was tried in vain."""
    headings = re.findall(r"^## (.+)$", _read(page), re.MULTILINE)

    assert headings == ["Context", "Decision", "Consequence", "Dead ends"]
    assert _read(page).startswith(f"# {page.name[:3]}: ")


def test_choices_are_numbered_once() -> None:
    """No two choices share a number."""
    numbers = [page.name[:3] for page in CHOICES]

    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize(
    ("file", "model"),
    [
        ("sources.yml", AnySource),
        ("topics.yml", Topic),
        ("themes.yml", Theme),
        ("alerts.yml", AnyRule),
        ("audiences.yml", Segment),
    ],
)
def test_every_key_of_a_list_is_documented(file: str, model: object) -> None:
    """Each key of the lists' entries stands under its file in the page about configuration."""
    named = _named(_section("configuration.md", f"## {file}"))

    keys = set().union(*(_find_keys(found) for found in _find_models(model)))
    assert keys
    assert keys - named == set()


def test_every_setting_is_documented() -> None:
    """Each setting stands in the table of its part of `settings.yml`."""
    undocumented = []
    for name, field in Settings.model_fields.items():
        parts = list(_find_models(field.annotation))
        heading = f"### `{name}`" if parts else "## settings.yml"
        keys = set().union(*(_find_keys(part) for part in parts)) if parts else {name}
        missing = keys - _named(_section("configuration.md", heading))
        undocumented += [f"{name}: {key}" for key in sorted(missing)]

    assert undocumented == []


@pytest.mark.parametrize(
    "choices", [IndexEngine, MailSecurity, Period, RuleKind, TopicKind, Weekday], ids=str
)
def test_every_choice_of_a_setting_is_documented(choices: type[StrEnum]) -> None:
    """Each value of a closed list stands there too, rule types among them."""
    named = _named(_read(DOCS / "configuration.md"))

    assert {choice.value for choice in choices} - named == set()


def test_every_reserved_variable_is_documented() -> None:
    """Each variable that is no setting stands there, with its meaning."""
    named = _named(_read(DOCS / "configuration.md"))

    assert {ENVIRONMENT_PREFIX + name for name in RESERVED} - named == set()


def test_every_source_type_is_documented() -> None:
    """Each type that a source may have stands in the page about the configuration."""
    named = _named(_read(DOCS / "configuration.md"))

    types = {
        get_args(model.model_fields["type"].annotation)[0] for model in _find_models(AnySource)
    }
    assert len(types) >= 4
    assert types - named == set()


def test_every_query_field_is_documented_in_its_place() -> None:
    """Delivered fields stand in the first table of the query language, the others in the second."""
    page = _read(DOCS / "query-language.md")
    delivered, _, later = page.partition("What comes later")
    delivered = delivered.partition("What a source delivers")[2]

    assert {field.name for field in FIELDS.values() if field.delivered} - _named(delivered) == set()
    assert {field.name for field in FIELDS.values() if not field.delivered} - _named(later) == set()
    assert set(FIELD_NAMES) - _named(page) == set()


def test_every_command_is_documented() -> None:
    """Each command has its heading in the page about the command line, and nothing else has."""
    headings = re.findall(r"^### `groundswell ([^`]+)`$", _read(DOCS / "commands.md"), re.MULTILINE)

    assert sorted(headings) == sorted(_find_commands())


def test_every_option_is_documented() -> None:
    """Each option of a command stands under the command's heading."""
    undocumented = []
    for name, command in _find_commands().items():
        section = _section("commands.md", f"### `groundswell {name}`")
        options = {
            word for option in command.params for word in option.opts + option.secondary_opts
        }
        undocumented += [
            f"{name} {option}"
            for option in sorted(options - {"--help"})
            if option.startswith("--") and not re.search(rf"`{option}\b", section)
        ]

    assert undocumented == []


def test_every_global_option_is_documented() -> None:
    """The options of all commands stand at the top of the page about the command line."""
    from app.cli.session import FLAG_OPTIONS, VALUE_OPTIONS

    top = _read(DOCS / "commands.md").partition("\n## ")[0]

    assert [name for name in (*FLAG_OPTIONS, *VALUE_OPTIONS) if f"`{name}" not in top] == []


def _find_commands() -> dict[str, Any]:
    """Return the commands that people see, by their whole name."""
    from typer.main import get_command

    from app.cli.main import app

    return dict(_walk(get_command(app), ""))


def _walk(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _walk(command, f"{prefix}{name} ")
        elif not command.hidden:
            yield f"{prefix}{name}", command
