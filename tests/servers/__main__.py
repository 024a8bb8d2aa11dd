"""What `scripts/install-test-tools` asks: `python -m tests.servers java|fetch`.

`java` prints the JDK that the node would run on; `fetch` brings the node's distribution into the
cache. Both exit 1 with a sentence on stderr where that cannot be had.
"""

import sys

from tests.servers.elasticsearch import fetch_distribution, is_docker_answering
from tests.servers.java import find_java_home
from tests.servers.missing import ServerMissingError


def main(arguments: list[str]) -> int:
    """Run one of the two commands."""
    if arguments not in (["java"], ["fetch"]):
        sys.stderr.write("usage: python -m tests.servers java|fetch\n")
        return 2
    try:
        if arguments == ["java"]:
            sys.stdout.write(f"{find_java_home()}\n")
        elif not is_docker_answering():
            sys.stdout.write(f"{fetch_distribution()}\n")
    except ServerMissingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
