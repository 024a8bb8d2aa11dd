"""kill -9 at every step of sending: one mail in the mailbox in the end, never none."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.fakes.mortal_outbox import RECIPIENTS
from tests.servers.smtp import SmtpServer

CANNOT_TELL = {"after data", "before quit", "after quit", "before finish"}
"""The server has the message, and we have not written that down: it is sent once more."""


@pytest.mark.slow
def test_killed_anywhere_everybody_gets_the_mail(tmp_path: Path, smtp_server: SmtpServer) -> None:
    """Each recipient has it once, or twice in the same bytes where SMTP cannot tell."""
    command = [sys.executable, "-m", "tests.fakes.mortal_outbox"]
    command += [str(tmp_path), str(smtp_server.port)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=110)
    steps = done.stdout.split("\n")[:-1]
    assert len(steps) >= 30
    assert set(steps) >= CANNOT_TELL
    for case, step in enumerate([*steps, "no death"]):
        name = f"<case-{case}.opened@acme.example>"
        got = [one for one in smtp_server.mails if one.message["Message-ID"] == name]
        counts = Counter(recipient for one in got for recipient in one.recipients)
        extra = 1 if step in CANNOT_TELL else 0
        assert set(counts) == set(RECIPIENTS), step
        assert sum(counts.values()) == len(RECIPIENTS) + extra, step
        by_recipient = {recipient: set[bytes]() for recipient in RECIPIENTS}
        for one in got:
            by_recipient[one.recipients[0]].add(one.content)
        assert all(len(contents) == 1 for contents in by_recipient.values()), step
