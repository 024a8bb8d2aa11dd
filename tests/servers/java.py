"""Finding a JDK that Elasticsearch 9 runs on."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.servers.missing import ServerMissingError

OLDEST_JAVA = 21


def find_java_home() -> Path:
    """Return the home of the newest suitable JDK.

    `ES_JAVA_HOME` is taken as it is; else `JAVA_HOME`, `/usr/lib/jvm` and the `java` on the path
    are looked through, because a distribution's default may be too old.

    Raises ServerMissingError if there is none of version 21 or newer.
    """
    told = os.environ.get("ES_JAVA_HOME")
    if told:
        return Path(told)
    versions = {home: read_java_version(home) for home in _list_candidates()}
    suitable = {home: version for home, version in versions.items() if version >= OLDEST_JAVA}
    if not suitable:
        raise ServerMissingError(
            f"Elasticsearch needs a JDK {OLDEST_JAVA} or newer: install one, or name its home in "
            "ES_JAVA_HOME"
        )
    return max(suitable, key=lambda home: suitable[home])


def read_java_version(home: Path) -> int:
    """Return the feature version of the JDK at `home` (21 for 21.0.4), 0 where none can be read."""
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE)
    return int(found.group(1)) if found and (home / "bin" / "java").exists() else 0


def _list_candidates() -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    installed = Path("/usr/lib/jvm")
    if installed.is_dir():
        yield from (home for home in sorted(installed.iterdir()) if home.is_dir())
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).resolve().parent.parent
