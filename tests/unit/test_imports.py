import json
import pkgutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

# Each takes from a quarter of a second to ten, and hundreds of megabytes, to import.
HEAVY = {
    "apprise",
    "elasticsearch",
    "huggingface_hub",
    "onnx",
    "onnxruntime",
    "pandas",
    "playwright",
    "pyarrow",
    "scrapy",
    "sklearn",
    "spacy",
    "sqlalchemy",
    "streamlit",
    "tantivy",
    "tokenizers",
    "torch",
    "transformers",
    "vl_convert",
}

PROGRAM = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(name.partition(".")[0] for name in sys.modules)))
"""


def _find_modules(package: str) -> list[str]:
    spec = find_spec(package)
    assert spec is not None
    folders = spec.submodule_search_locations
    found = pkgutil.walk_packages(folders, f"{package}.")
    return [package, *(module.name for module in found)]


def _import_in_fresh_process(names: list[str]) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


@pytest.mark.parametrize("package", ["core", "insights"])
def test_vocabulary_and_statistics_import_nothing_heavy(package: str) -> None:
    """Every module of the two pure folders can be imported without a heavy library."""
    imported = _import_in_fresh_process(_find_modules(package))

    assert imported & HEAVY == set()


def test_command_line_imports_nothing_heavy() -> None:
    """The command answers at once: each subcommand imports what it uses when it runs."""
    imported = _import_in_fresh_process(["app.cli"])

    assert imported & HEAVY == set()


@pytest.mark.parametrize("package", ["alerts", "audiences", "charts", "index", "crawlers", "nlp"])
def test_entering_a_stage_imports_nothing_heavy(package: str) -> None:
    """Importing a stage's folder brings none of its engines; its modules do when they are used."""
    imported = _import_in_fresh_process([package])

    assert imported & HEAVY == set()
