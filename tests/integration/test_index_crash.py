"""What is left of an index when its process dies in mid-work."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.mention import Mention
from core.ports import Applied
from core.questions import Selection
from index.embedded import EmbeddedIndex
from tests.contract.mentions import NOW, corrected, mention

BATCH = 200

WRITER = """
import sys
from pathlib import Path
from index.embedded import EmbeddedIndex
from tests.contract.mentions import NOW, mention

index = EmbeddedIndex(Path(sys.argv[1]))
first = int(sys.argv[2])
for batch in range(first, first + 10_000):
    edits = [mention("edited", f"edit {batch}", observed_us=batch + 1)]
    new = [mention(f"{batch:05}-{i:03}") for i in range(int(sys.argv[3]))]
    index.apply([*edits, *new], NOW)
    sys.stdout.write(f"{batch}\\n")
    sys.stdout.flush()
"""


def killed_writer(folder: Path, first: int, seconds: float) -> int:
    """Write batches until kill -9; return the last one that the writer said was applied."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(first), str(BATCH)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        applied = int(process.stdout.readline())
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
    return max([applied, *map(int, rest)])


@pytest.mark.slow
def test_a_killed_writer_leaves_every_batch_it_confirmed(tmp_path: Path) -> None:
    """After each of several deaths: confirmed batches whole, the last whole or not at all."""
    folder = tmp_path / "index"
    first = 0
    for seconds in (0.0, 0.05, 0.11, 0.17, 0.31):
        last = killed_writer(folder, first, seconds)
        index = EmbeddedIndex(folder)
        index.setup()
        ids = [m.id for m in index.scan(Selection())]
        assert len(ids) == len(set(ids)) == index.size()
        batches: dict[str, int] = {}
        for key in ids:
            if key != "edited":
                batches[key[:5]] = batches.get(key[:5], 0) + 1
        assert set(batches.values()) == {BATCH}
        whole = sorted(map(int, batches))
        assert whole in (list(range(last + 1)), list(range(last + 2)))
        assert index.get(["edited"])["edited"].text == f"edit {whole[-1]}"
        index.close()
        first = whole[-1] + 1


def test_a_correction_survives_a_death_and_a_second_import(tmp_path: Path) -> None:
    """What a person said before the crash is there after it and after importing again."""
    folder = tmp_path / "index"
    last = killed_writer(folder, 0, 0.0)
    index = EmbeddedIndex(folder)
    index.apply([corrected("00000-000", irrelevant=True)], NOW)
    index.close()
    killed_writer(folder, last + 2, 0.02)
    index = EmbeddedIndex(folder)
    again = index.apply([mention("00000-000")], NOW)
    assert [outcome.status for outcome in again] == [Applied.UNCHANGED]
    assert index.known(["00000-000"])["00000-000"].is_irrelevant
    index.close()


def test_states_written_before_a_death_are_joined_with_what_comes_after(tmp_path: Path) -> None:
    """A batch that was lost with its writer is applied again without harm."""
    folder = tmp_path / "index"
    last = killed_writer(folder, 0, 0.0)
    index = EmbeddedIndex(folder)
    replayed: list[Mention] = [
        mention(f"{batch:05}-{i:03}") for batch in (0, last + 5) for i in range(BATCH)
    ]
    statuses = [outcome.status for outcome in index.apply(replayed, NOW)]
    assert statuses == [Applied.UNCHANGED] * BATCH + [Applied.CREATED] * BATCH
    index.close()
