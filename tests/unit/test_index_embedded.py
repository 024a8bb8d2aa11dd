import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import EngineUnavailable, FatalError, LockedError
from core.mention import Author
from core.query.ast import Phrase
from core.query.evaluate import matches
from core.questions import BucketCount, GroupField, Order, Selection, ValueCount
from core.window import TimeWindow
from index import tantivy_answers
from index.embedded import LAYOUT_FILE, EmbeddedIndex
from index.lock import WriterLock
from tests.contract.mentions import NOW, START, mention


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where the index is to be."""
    return tmp_path / "index"


@pytest.fixture
def writer(folder: Path) -> Iterator[EmbeddedIndex]:
    """Return the index opened for writing."""
    index = EmbeddedIndex(folder)
    index.setup()
    yield index
    index.close()


def in_another_process(program: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a few lines that open the index in ``folder``."""
    start = "import sys; from pathlib import Path; folder = Path(sys.argv[1])\n"
    return subprocess.run(
        [sys.executable, "-c", start + textwrap.dedent(program), str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_second_writer_is_told_who_holds_the_folder(writer: EmbeddedIndex, folder: Path) -> None:
    """Another process gets LockedError with our process id, and can still read."""
    writer.apply([mention("a")], NOW)
    program = """
        import os
        from core.errors import LockedError
        from core.questions import Selection
        from index.embedded import EmbeddedIndex
        try:
            EmbeddedIndex(folder).setup()
        except LockedError as err:
            sys.stdout.write(f"{err}")
        reader = EmbeddedIndex(folder, read_only=True)
        sys.stdout.write(f"; read {reader.count(Selection())}")
    """
    done = in_another_process(program, folder)
    assert f"process {os.getpid()}" in done.stdout, done.stderr
    assert done.stdout.endswith("; read 1")


def test_a_lock_is_free_after_release_and_after_death(folder: Path) -> None:
    """Neither a closed index nor a killed process keeps others out."""
    folder.mkdir()
    program = """
        import os, signal
        from index.lock import WriterLock
        WriterLock(folder / "writer.lock").acquire()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert in_another_process(program, folder).returncode == -9
    lock = WriterLock(folder / "writer.lock")
    lock.acquire()
    lock.acquire()
    other = WriterLock(folder / "writer.lock")
    with pytest.raises(LockedError, match="stop that process"):
        other.acquire()
    lock.release()
    lock.release()
    other.acquire()
    other.release()


def test_a_reader_sees_what_the_writer_commits(folder: Path) -> None:
    """A reader opened before anything was written answers as empty, then follows."""
    reader = EmbeddedIndex(folder, read_only=True)
    reader.setup()
    assert reader.count(Selection()) == 0
    assert reader.get(["a"]) == {}
    writer = EmbeddedIndex(folder)
    writer.apply([mention("a")], NOW)
    assert reader.count(Selection()) == 1
    writer.apply([mention("b")], NOW)
    assert sorted(reader.get(["a", "b"])) == ["a", "b"]
    reader.refresh()
    assert reader.count(Selection()) == 2
    writer.close()
    reader.close()
    reader.close()


def test_a_reader_follows_by_itself(writer: EmbeddedIndex, folder: Path) -> None:
    """A page that is open for long sees new mentions without asking for a refresh."""
    writer.apply([mention("a")], NOW)
    reader = EmbeddedIndex(folder, read_only=True)
    assert reader.count(Selection()) == 1
    writer.apply([mention("b")], NOW)
    deadline = time.monotonic() + 20
    while reader.count(Selection()) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert reader.count(Selection()) == 2


def test_a_reader_does_not_write(folder: Path) -> None:
    """An index opened for reading refuses to apply, and makes no folder."""
    reader = EmbeddedIndex(folder, read_only=True)
    with pytest.raises(FatalError, match="reading only"):
        reader.apply([mention("a")], NOW)
    assert not folder.exists()


def test_what_was_stored_is_there_after_opening_again(folder: Path) -> None:
    """Closing and opening loses nothing, and a closed index opens by itself."""
    first = EmbeddedIndex(folder)
    first.apply([mention("a")], NOW)
    first.close()
    assert first.count(Selection()) == 1
    second = EmbeddedIndex(folder)
    second.setup()
    assert second.known(["a"])["a"].known_at == NOW
    second.close()


def test_a_folder_of_another_layout_is_refused(folder: Path) -> None:
    """Neither a reader nor a writer guesses at what an older program wrote."""
    first = EmbeddedIndex(folder)
    first.setup()
    first.close()
    (folder / LAYOUT_FILE).write_text("0\n", encoding="ascii")
    for read_only in (True, False):
        with pytest.raises(FatalError, match="version 0"):
            EmbeddedIndex(folder, read_only=read_only).setup()


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    """A file where the folder should be is told as the engine's fault, to be tried again."""
    (tmp_path / "file").write_text("", encoding="ascii")
    with pytest.raises(EngineUnavailable, match="cannot open"):
        EmbeddedIndex(tmp_path / "file" / "index").setup()


def test_a_damaged_folder_is_unavailable(writer: EmbeddedIndex, folder: Path) -> None:
    """Files that tantivy cannot read are named with their folder."""
    writer.apply([mention("a")], NOW)
    (folder / "tantivy" / "meta.json").write_text("{", encoding="ascii")
    with pytest.raises(EngineUnavailable, match=str(folder)):
        EmbeddedIndex(folder, read_only=True).count(Selection())


def test_long_sloppy_phrases_are_found_by_reading(writer: EmbeddedIndex) -> None:
    """A phrase of too many arrangements is still exact, also inside other conditions."""
    texts = ["a b c d e", "e d c b a", "a x b x c x d x e", "a b c d", "a b c d e " * 3]
    stored = [mention(f"m{i}", text) for i, text in enumerate(texts)]
    writer.apply(stored, NOW)
    for slop in (4, 8, 20):
        phrase = Phrase(tuple("abcde"), slop)
        page = writer.page(Selection(query=phrase), 10, Order.OLDEST)
        assert [m.id for m in page.mentions] == [m.id for m in stored if matches(phrase, m)]


def test_more_buckets_than_the_engine_takes_are_counted_all_the_same(
    writer: EmbeddedIndex,
) -> None:
    """A thousand hours with seventy links each: the window is halved until the parts fit."""
    hour = timedelta(hours=1)
    links = tuple(f"https://example.com/{i:02}" for i in range(70))
    batch = [mention(f"m{i}", "", published_at=START + i * hour, links=links) for i in range(1_000)]
    writer.apply(batch, NOW)
    window = TimeWindow(START, START + 1_000 * hour)
    counts = writer.buckets(Selection(window=window), hour, GroupField.LINK)
    assert counts == [BucketCount(m.published_at, link, 1) for m in batch for link in links]


def test_more_values_than_are_listed_at_once_are_counted_all_the_same(
    writer: EmbeddedIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long lists of values, of a bucket or of all, come out whole."""
    monkeypatch.setattr(tantivy_answers, "MAX_LISTED", 3)
    monkeypatch.setattr(tantivy_answers, "COMPOSITE_PAGE", 2)
    hour = timedelta(hours=1)
    authors = [Author(service="w", id=str(i % 5)) for i in range(12)]
    batch = [mention(f"m{i}", minutes=10 * i, author=a) for i, a in enumerate(authors)]
    writer.apply(batch, NOW)
    listed = writer.top(Selection(), GroupField.AUTHOR, 4)
    assert listed == [ValueCount("w:0", 3), ValueCount("w:1", 3), *(
        ValueCount(f"w:{i}", 2) for i in (2, 3)
    )]  # fmt: skip
    counts = writer.buckets(
        Selection(window=TimeWindow(START, START + 2 * hour)), hour, GroupField.AUTHOR
    )
    assert [(c.start, c.value, c.count) for c in counts] == [
        (START, "w:0", 2), *((START, f"w:{i}", 1) for i in (1, 2, 3, 4)),
        (START + hour, "w:0", 1), (START + hour, "w:1", 2),
        *((START + hour, f"w:{i}", 1) for i in (2, 3, 4)),
    ]  # fmt: skip


def test_ids_that_begin_alike_are_paged_one_by_one(writer: EmbeddedIndex) -> None:
    """Many ties whose ids share their first bytes are neither skipped nor repeated."""
    keys = sorted(f"the-same-beginning-{i}" for i in range(300))
    writer.apply([mention(key) for key in keys], NOW)
    walked: list[str] = []
    token = None
    while True:
        page = writer.page(Selection(), 7, token=token)
        walked += [m.id for m in page.mentions]
        token = page.next_token
        if token is None:
            break
    assert walked == keys
