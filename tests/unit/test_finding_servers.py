from pathlib import Path

import pytest

from tests.servers import java
from tests.servers.java import find_java_home, read_java_version
from tests.servers.missing import ServerMissingError, give_up


def _make_jdk(home: Path, version: str) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").touch()
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n', encoding="utf-8")
    return home


@pytest.fixture
def candidates(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list that stands for the JDKs of this machine, empty at first."""
    found: list[Path] = []
    monkeypatch.delenv("ES_JAVA_HOME", raising=False)
    monkeypatch.setattr(java, "_list_candidates", lambda: iter(found))
    return found


def test_reads_the_feature_version(tmp_path: Path) -> None:
    """The first number of the release counts; a folder without a JDK counts as none."""
    assert read_java_version(_make_jdk(tmp_path / "new", "25.0.3")) == 25
    assert read_java_version(_make_jdk(tmp_path / "old", "1.8.0_412")) == 1
    assert read_java_version(tmp_path) == 0


def test_takes_the_newest_suitable_jdk(tmp_path: Path, candidates: list[Path]) -> None:
    """A default that is too old does not hide a newer one beside it."""
    candidates += [_make_jdk(tmp_path / name, f"{name}.0.1") for name in ("17", "25", "21")]

    assert find_java_home() == tmp_path / "25"


def test_names_what_to_install_without_a_jdk(tmp_path: Path, candidates: list[Path]) -> None:
    """With a JDK of 17 alone the reason says which version is needed, and where to name one."""
    candidates.append(_make_jdk(tmp_path / "17", "17.0.15"))

    with pytest.raises(ServerMissingError, match=r"JDK 21 or newer.*ES_JAVA_HOME"):
        find_java_home()


def test_a_missing_server_skips_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a newcomer's machine the test is skipped and the skip says what to install."""
    monkeypatch.delenv("GROUNDSWELL_CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="install chromium"):
        give_up(ServerMissingError("install chromium"))


def test_a_missing_server_fails_on_a_build_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where GROUNDSWELL_CI is set a green build has run the servers' tests."""
    monkeypatch.setenv("GROUNDSWELL_CI", "1")

    with pytest.raises(pytest.fail.Exception, match="install chromium"):
        give_up(ServerMissingError("install chromium"))
