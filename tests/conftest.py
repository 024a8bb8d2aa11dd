"""What every test may ask for."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("groundswell", deadline=None)
settings.load_profile("groundswell")

pytest_plugins = ["tests.servers.fixtures", "tests.mockserver.fixtures"]

ROOT = Path(__file__).resolve().parent.parent
# Reserved for the tests themselves; everything else named GROUNDSWELL_ is configuration.
TEST_VARIABLES = ("GROUNDSWELL_PUBLIC_DATA", "GROUNDSWELL_CI")


@pytest.fixture(scope="session")
def public_data() -> Path:
    """Return the folder of public data sets; skip where `GROUNDSWELL_PUBLIC_DATA` names none."""
    told = os.environ.get("GROUNDSWELL_PUBLIC_DATA")
    if not told:
        pytest.skip("set GROUNDSWELL_PUBLIC_DATA to the folder of public data sets")
    folder = Path(told)
    if not folder.is_dir():
        pytest.fail(f"GROUNDSWELL_PUBLIC_DATA is no folder: {folder}")
    return folder


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home of its own for what is stored, and no configuration from outside."""
    for name in list(os.environ):
        is_ours = name in TEST_VARIABLES or name.startswith("GROUNDSWELL_TEST_")
        if name.startswith("GROUNDSWELL_") and not is_ours:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    monkeypatch.setenv("GROUNDSWELL_HOME", str(home))
    return home
