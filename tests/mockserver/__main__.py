"""Serve a folder by hand: `python -m tests.mockserver FOLDER [PORT]`, until Ctrl-C."""

import sys
import threading
from pathlib import Path

from tests.mockserver.server import MockServer

if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    with MockServer(port=int(sys.argv[2]) if len(sys.argv) == 3 else 0) as server:
        server.serve_folder(Path(sys.argv[1]))
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")
