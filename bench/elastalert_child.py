"""Answers for elastalert2 in an environment of its own: it needs an older Elasticsearch client.

Run by bench/rivals.py with an interpreter that has elastalert2. Each line on stdin is a JSON object
with `spike_height`, `minimum`, `timeframe` (seconds) and `counts` (one a minute); the answer is the
list of minutes at which the rule fires. Needs nothing but elastalert2 and the standard library.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """Answer until stdin ends."""
    from elastalert.ruletypes import SpikeRule  # type: ignore[import-not-found]  # not with ours

    for line in sys.stdin:
        asked = json.loads(line)
        rule = SpikeRule(
            {
                "timeframe": timedelta(seconds=asked["timeframe"]),
                "spike_height": asked["spike_height"],
                "spike_type": "up",
                "threshold_cur": asked["minimum"],
                "timestamp_field": "@timestamp",
            }
        )
        alerts = []
        for minute, count in enumerate(asked["counts"]):
            # As `use_count_query` does at each run.
            rule.add_count_data({START + timedelta(minutes=minute): count})
            if rule.matches:
                rule.matches.clear()
                alerts.append(minute)
        sys.stdout.write(json.dumps(alerts) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
