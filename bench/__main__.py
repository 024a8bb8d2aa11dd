"""Run the benchmarks: `python -m bench` all of them, `python -m bench NAME ...` some.

Each is a module of this folder with a `main`, and runs in a process of its own, so that none
warms up another.
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path


def find_benchmarks() -> list[str]:
    """Return the names of the modules here that measure something."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return [
        name
        for name in names
        if name != "__main__" and hasattr(import_module(f"bench.{name}"), "main")
    ]


def main(wanted: list[str]) -> int:
    """Run the wanted benchmarks, or all; return 1 if one failed and 2 if one is unknown."""
    known = find_benchmarks()
    unknown = set(wanted) - set(known)
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(sorted(unknown))}; there are {known}\n")
        return 2
    failed = []
    for name in wanted or known:
        print(f"--- {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode:
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
