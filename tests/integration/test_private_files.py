from pathlib import Path

from app.stores.segment import replace_file
from tests.integration.command_line import groundswell, write_topics


def test_what_is_stored_is_private_in_a_home_that_others_may_enter(
    tmp_path: Path, own_home: Path
) -> None:
    """Database, spool and index are the user's alone, though the folder was there before."""
    own_home.mkdir()
    own_home.chmod(0o755)
    config = write_topics(tmp_path / "configs")
    rows = tmp_path / "rows.csv"
    rows.write_text("text,id\nacme is fine,1\n", encoding="utf-8")
    words = ("--config", config)
    groundswell("import", rows, "--source", "s", "--map", "text=text,id=id", *words)
    groundswell("enrich", "--drain", *words)
    files = [path for path in own_home.rglob("*") if path.is_file()]
    assert {"state.sqlite3"} < {path.name for path in files}
    assert [str(path) for path in files if path.stat().st_mode & 0o077] == []


def test_a_file_that_is_written_anew_stays_readable_for_whom_it_was(tmp_path: Path) -> None:
    """A service that reads the configuration still can after somebody else changed it."""
    path = tmp_path / "topics.yml"
    for mode in (0o640, 0o644, 0o600):
        path.write_bytes(b"[]")
        path.chmod(mode)
        replace_file(path, b"[1]")
        assert path.read_bytes() == b"[1]"
        assert path.stat().st_mode & 0o777 == mode
