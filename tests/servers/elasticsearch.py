"""A real Elasticsearch node for tests, from Docker or from Maven's packages.

The distribution from Maven is the real server with few modules: what it can do works on every
Elasticsearch 9. It answers no `GET /`; ask `_cluster/health`.
"""

import contextlib
import functools
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from tests.servers.janitor import Janitor
from tests.servers.java import find_java_home
from tests.servers.missing import ServerMissingError
from tests.servers.ports import find_free_port, is_listening

VERSION = "9.2.8"
ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
# Measured: 11 s on two idle cores with 1 GB. Six times that is a machine that is busy, not stuck.
START_SECONDS = 70
STOP_SECONDS = 30

SETTINGS = {
    "discovery.type": "single-node",
    "xpack.security.enabled": "false",
    # A test machine's disk may be nearly full; the node would refuse to place a shard.
    "cluster.routing.allocation.disk.threshold_enabled": "false",
    # Tests make and drop many small indices; none must appear by a mistyped name.
    "action.auto_create_index": "false",
}


class ElasticsearchNode(ABC):
    """One node with its own data folder, at a loopback address that survives a restart."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{find_free_port()}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it answers HTTP on."""
        return int(self.url.rsplit(":", 1)[1])

    def start(self) -> None:
        """Start the node on its data and wait until it takes requests.

        Raises ServerMissingError if it is not ready in time, with the end of its log.
        """
        self._launch()
        deadline = time.monotonic() + START_SECONDS
        while not is_ready(self.url):
            if not self.is_alive() or time.monotonic() > deadline:
                state = "did not answer in time" if self.is_alive() else "ended at once"
                log = self.read_log()
                self.kill9()
                raise ServerMissingError(f"the Elasticsearch node {state}; its log ends:\n{log}")
            time.sleep(0.2)

    def restart(self) -> None:
        """Stop the node if it runs, and start it on the same data at the same address."""
        if self.is_alive():
            self.stop()
        self.start()

    @abstractmethod
    def _launch(self) -> None: ...

    @abstractmethod
    def is_alive(self) -> bool:
        """Tell whether the process runs."""

    @abstractmethod
    def stop(self) -> None:
        """End the node in good order."""

    @abstractmethod
    def kill9(self) -> None:
        """End the node as a power cut would, in the middle of whatever it does."""

    @abstractmethod
    def read_log(self) -> str:
        """Return the end of the node's log."""


class PackagedNode(ElasticsearchNode):
    """A node run from Maven's distribution, on a JDK of this machine."""

    def __init__(self, home: Path, janitor: Janitor, *, heap_mb: int = 1024) -> None:
        super().__init__()
        self._home = home
        self._janitor = janitor
        self._heap_mb = heap_mb
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = make_readable_folder("groundswell-node-")
        janitor.watch_folder(self._folder)
        self._configure()

    def _configure(self) -> None:
        config = self._folder / "config"
        shutil.copytree(self._home / "config", config)
        settings = SETTINGS | {
            "cluster.name": "groundswell-test",
            "network.host": "127.0.0.1",
            "http.port": str(self.port),
            "transport.port": str(find_free_port()),
            "path.data": str(self._folder / "data"),
            "path.logs": str(self._folder / "logs"),
            "path.repo": str(self._folder / "snapshots"),
        }
        lines = [f"{key}: {value}\n" for key, value in settings.items()]
        (config / "elasticsearch.yml").write_text("".join(lines), encoding="utf-8")
        for name in ("data", "logs", "snapshots", "tmp"):
            (self._folder / name).mkdir()
        hand_over(self._folder)

    def _launch(self) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "ES_JAVA_HOME": str(find_java_home()),
            "ES_PATH_CONF": str(self._folder / "config"),
            "ES_TMPDIR": str(self._folder / "tmp"),
            "ES_JAVA_OPTS": f"-Xms{self._heap_mb}m -Xmx{self._heap_mb}m",
        }
        user = find_server_user()
        with (self._folder / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                [str(self._home / "bin" / "elasticsearch")],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
            )
        self._janitor.watch_group(self._process.pid)

    def is_alive(self) -> bool:
        """Tell whether the launcher and with it the node runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Ask the node to end and wait; kill it if it does not."""
        if self._process is None:
            return
        if self.is_alive():
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill9()

    def kill9(self) -> None:
        """Kill launcher and node together."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)
        # The launcher has ended; the node below it ends a moment later, and frees port and data.
        deadline = time.monotonic() + STOP_SECONDS
        while is_listening(self.port) and time.monotonic() < deadline:
            time.sleep(0.02)
        self._janitor.forget_group(self._process.pid)
        self._process = None

    def read_log(self) -> str:
        """Return the last two thousand characters that the node wrote to its console."""
        return (self._folder / "console.log").read_text(encoding="utf-8", errors="replace")[-2000:]


class DockerNode(ElasticsearchNode):
    """A node in a container; its data lives as long as the container."""

    def __init__(self, janitor: Janitor, *, heap_mb: int = 1024) -> None:
        super().__init__()
        self._name = f"groundswell-test-{secrets.token_hex(4)}"
        options = [f"--env={key}={value}" for key, value in SETTINGS.items()]
        janitor.watch_container(self._name)
        _run_docker(
            "create",
            f"--name={self._name}",
            f"--publish=127.0.0.1:{self.port}:9200",
            f"--env=ES_JAVA_OPTS=-Xms{heap_mb}m -Xmx{heap_mb}m",
            *options,
            f"elasticsearch:{VERSION}",
        )

    def _launch(self) -> None:
        _run_docker("start", self._name)

    def is_alive(self) -> bool:
        """Tell whether the container runs."""
        state = _run_docker("inspect", "--format={{.State.Running}}", self._name)
        return state.strip() == "true"

    def stop(self) -> None:
        """Stop the container, keep its data."""
        _run_docker("stop", "-t", str(STOP_SECONDS), self._name)

    def kill9(self) -> None:
        """Kill the container, keep its data."""
        if self.is_alive():
            _run_docker("kill", self._name)

    def read_log(self) -> str:
        """Return the last lines of the container's output."""
        return _run_docker("logs", "--tail=20", self._name)


def make_node(janitor: Janitor, *, heap_mb: int = 1024) -> ElasticsearchNode:
    """Return a node that is not started yet: in Docker where an engine answers, else packaged.

    Raises ServerMissingError if neither can be had.
    """
    if is_docker_answering():
        return DockerNode(janitor, heap_mb=heap_mb)
    return PackagedNode(unpack_distribution(janitor), janitor, heap_mb=heap_mb)


def is_ready(url: str) -> bool:
    """Tell whether the cluster at `url` answers with a health of yellow or green."""
    try:
        with urllib.request.urlopen(f"{url}/_cluster/health", timeout=2) as answer:
            return json.load(answer)["status"] in ("yellow", "green")
    except (OSError, ValueError):
        return False


@functools.cache
def is_docker_answering() -> bool:
    """Tell whether there is a Docker engine to talk to."""
    if shutil.which("docker") is None:
        return False
    try:
        info = subprocess.run(["docker", "info"], check=False, capture_output=True, timeout=10)
    except subprocess.TimeoutExpired:
        return False
    return info.returncode == 0


def fetch_distribution() -> Path:
    """Return the distribution's zip file, fetched by Maven the first time (100 MB).

    Raises ServerMissingError without Maven, or if the package cannot be had.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "groundswell-tests"
    archive = folder / f"elasticsearch-{VERSION}.zip"
    if archive.exists():
        return archive
    if shutil.which("mvn") is None:
        raise ServerMissingError(
            "Elasticsearch comes from Docker or Maven: install maven, start a Docker engine, or "
            "name a cluster in GROUNDSWELL_TEST_ELASTICSEARCH"
        )
    folder.mkdir(parents=True, exist_ok=True)
    # Into a folder of its own first: a half-written file must not be taken for the whole.
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        result = subprocess.run(
            [
                *("mvn", "-B", "-q", "dependency:copy"),
                *(f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={fresh}"),
            ],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=fresh,
        )
        if result.returncode != 0:
            said = (result.stdout + result.stderr).strip()[-500:]
            raise ServerMissingError(f"Maven could not fetch {ARTIFACT}: {said}")
        (Path(fresh) / archive.name).replace(archive)
    return archive


def unpack_distribution(janitor: Janitor) -> Path:
    """Unpack the distribution where the user it runs as can read it; return its folder."""
    archive = fetch_distribution()
    folder = make_readable_folder("groundswell-elasticsearch-")
    janitor.watch_folder(folder)
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    home = folder / f"elasticsearch-{VERSION}"
    for program in (home / "bin").iterdir():
        program.chmod(0o755)
    hand_over(folder)
    return home


def find_server_user() -> pwd.struct_passwd | None:
    """Return the user to run the node as: it refuses to run as root. None: as who we are."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def make_readable_folder(prefix: str) -> Path:
    """Make a temporary folder that another user may enter."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    return folder


def hand_over(folder: Path) -> None:
    """Give the folder and all in it to the user that the node runs as."""
    user = find_server_user()
    if user is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)


def _run_docker(*arguments: str) -> str:
    result = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True)
    if result.returncode != 0:
        raise ServerMissingError(f"docker {arguments[0]} failed: {result.stderr.strip()[-500:]}")
    return result.stdout
