import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.models import write_checkpoint
from tests.integration.command_line import environment
from tests.mockserver import MockServer, Reply, Request, text

NAME = "someone/tiny-bert"
REVISION = "0123456789abcdef0123456789abcdef01234567"
PROGRAM = """
import sys
from core.errors import ModelError
from nlp.sentiment import load_sentiment
try:
    model = load_sentiment(sys.argv[1])
except ModelError as err:
    sys.exit(str(err))
print(model.name, model.probabilities(["the phone is good"]).shape)
"""


def _serve_hub(server: MockServer, contents: Mapping[str, bytes], **sizes: int) -> None:
    """Answer as the Hugging Face hub does for one repository: its metadata and its files."""
    files = [
        {"rfilename": name, "size": sizes.get(name.partition(".")[0], len(content))}
        for name, content in contents.items()
    ]
    about: dict[str, Any] = {"id": NAME, "sha": REVISION, "siblings": files}
    server.route(f"/api/models/{NAME}", text(about))
    server.route(f"/api/models/{NAME}/revision/{REVISION}", text(about))
    tree = [
        {"type": "file", "path": name, "size": len(content), "oid": _digest(content)}
        for name, content in contents.items()
    ]
    server.route(f"/api/models/{NAME}/tree/{REVISION}", text(tree))
    for name, content in contents.items():
        server.route(f"/{NAME}/resolve/{REVISION}/{name}", _file(content))


def _file(content: bytes) -> Reply:
    return text(content, headers={"ETag": f'"{_digest(content)}"', "X-Repo-Commit": REVISION})


def _digest(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def _contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _load(server: MockServer, home: Path) -> subprocess.CompletedProcess[str]:
    hub = {"HF_ENDPOINT": server.url, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, NAME],
        check=False,
        capture_output=True,
        text=True,
        env=environment(hub),
    )


def _fetched(requests: list[Request]) -> set[str]:
    return {r.route.rsplit(f"/{REVISION}/", 1)[1] for r in requests if "/resolve/" in r.route}


@pytest.mark.slow
def test_a_name_of_the_hub_is_fetched_once(mock_server: MockServer, tmp_path: Path) -> None:
    """Only what is needed is fetched; afterwards the cached copy serves without network."""
    folder = write_checkpoint(tmp_path / "tiny", network_file="onnx/model.onnx")
    unwanted = {"pytorch_model.bin": b"pickle", "own.py": b"boom", "README.md": b"# x"}
    _serve_hub(mock_server, _contents(folder) | unwanted)

    first = _load(mock_server, tmp_path / "hub")

    assert first.returncode == 0, first.stderr
    assert first.stdout.split()[0] == f"{NAME}@{REVISION[:12]}"
    assert _fetched(mock_server.requests) == {
        "config.json",
        "onnx/model.onnx",
        "tokenizer.json",
        "tokenizer_config.json",
    }

    mock_server.route(f"/api/models/{NAME}", text("busy", status=503))
    mock_server.forget_requests()
    again = _load(mock_server, tmp_path / "hub")

    assert again.stdout == first.stdout
    assert _fetched(mock_server.requests) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contents", "sizes", "message"),
    [
        ({"config.json": b"{}", "pytorch_model.bin": b"x"}, {}, "pickled weights alone"),
        ({"config.json": b"{}"}, {}, "has no weights"),
        ({"config.json": b"{}", "model.onnx": b"x"}, {"model": 3_000_000_000}, "at most 2,000 MB"),
    ],
    ids=["pickled", "none", "huge"],
)
def test_what_would_not_be_read_is_not_fetched(
    mock_server: MockServer,
    tmp_path: Path,
    contents: dict[str, bytes],
    sizes: dict[str, int],
    message: str,
) -> None:
    """The list of files is enough to refuse a checkpoint; none of them is downloaded."""
    _serve_hub(mock_server, contents, **sizes)

    ended = _load(mock_server, tmp_path / "hub")

    assert ended.returncode == 1
    assert message in ended.stderr
    assert _fetched(mock_server.requests) == set()


@pytest.mark.slow
def test_a_name_that_the_hub_does_not_know_is_explained(
    mock_server: MockServer, tmp_path: Path
) -> None:
    """The hub's own word is passed on, in one line."""
    ended = _load(mock_server, tmp_path / "hub")

    assert ended.returncode == 1
    assert f"{NAME} is no bundled model and no folder, and cannot be fetched" in ended.stderr
    assert "404" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
