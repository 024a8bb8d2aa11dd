"""The home that tests of alerts share; other tests have homes of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import crisis
from tests.fakes.crisis_home import Home


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with six weeks of calm, then an hour with 60 angry mentions, to copy."""
    made = Home(crisis.write_home(tmp_path_factory.mktemp("filled")))
    made.application.index.apply(crisis.ordinary(), crisis.NOW)
    made.add(60, crisis.BEGAN)
    made.application.close()
    return made.folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Iterator[Home]:
    """Return a home of the test's own: six weeks of calm, and a crisis since an hour."""
    made = Home(Path(shutil.copytree(filled, tmp_path / "of-its-own")))
    yield made
    made.application.close()
