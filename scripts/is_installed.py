"""Exit 0 if this environment holds the project, editable from here, and all that it asks for.

`python scripts/is_installed.py train,dev`. It spares `make` an installer run, which needs the
network, where an environment is complete already.
"""

import json
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def is_project_installed(project: dict[str, object]) -> bool:
    """Tell whether the installed distribution is this folder, this version, these commands."""
    try:
        installed = distribution(str(project["name"]))
    except PackageNotFoundError:
        return False
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    commands = {entry.name: entry.value for entry in installed.entry_points}
    return (
        origin.get("url") == ROOT.as_uri()
        and installed.version == project["version"]
        and commands == project["scripts"]
    )


def find_missing(requirements: list[str]) -> list[str]:
    """Return those of the requirements that this environment does not meet."""
    from packaging.requirements import Requirement

    missing = []
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            missing.append(text)
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            missing.append(text)
    return missing


def main() -> int:
    """Answer by the exit code; name on stderr what is missing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in filter(None, sys.argv[1].split(",")):
        wanted += project["optional-dependencies"][extra]
    try:
        missing = find_missing(wanted)
    except ImportError:
        print("packaging is missing", file=sys.stderr)
        return 1
    if missing:
        print("missing:", ", ".join(missing), file=sys.stderr)
    return 0 if not missing and is_project_installed(project) else 1


if __name__ == "__main__":
    sys.exit(main())
