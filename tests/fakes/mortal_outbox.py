"""A process that sends one notification to two people and dies at the step it is told.

``python -m tests.fakes.mortal_outbox FOLDER PORT`` dies (SIGKILL) before and after every durable
or spoken step in turn, each time in a process and a home of its own, then lets another process
finish. It prints the names of the steps, one a line, in the order of its cases.
"""

from __future__ import annotations

import os
import shutil
import signal
import smtplib
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from alerts.chats import AppriseNotifier
from alerts.delivery import SmtpMailer
from app.delivering import Outbox
from app.stores.outbox import OutboxStore
from app.stores.state import StateStore
from core.settings import MailSecurity, MailSettings, Settings

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
RECIPIENTS = ("press@acme.example", "boss@acme.example")
STEPS: tuple[tuple[type, str], ...] = (
    (OutboxStore, "add"),
    (OutboxStore, "begin"),
    (OutboxStore, "finish"),
    (smtplib.SMTP, "connect"),
    (smtplib.SMTP, "ehlo"),
    (smtplib.SMTP, "mail"),
    (smtplib.SMTP, "rcpt"),
    (smtplib.SMTP, "data"),
    (smtplib.SMTP, "quit"),
)


class Killer:
    """Ends the process, as ``kill -9`` does, at the step of that number."""

    def __init__(self, at: int | None) -> None:
        self.at, self.count = at, 0

    def pass_by(self, name: str, out: int) -> None:
        """Count one step; tell its name and die if it is the one."""
        if self.count == self.at:
            os.write(out, f"{name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1

    def around(self, name: str, step: Callable[..., object], out: int) -> Callable[..., object]:
        """Return ``step`` with a moment before and one after it."""

        def dying(*words: object, **named: object) -> object:
            self.pass_by(f"before {name}", out)
            result = step(*words, **named)
            self.pass_by(f"after {name}", out)
            return result

        return dying


def mail(case: int) -> EmailMessage:
    """Return the notification of a case."""
    message = EmailMessage()
    message["From"] = "groundswell@acme.example"
    message["Subject"] = "Acme: 4.3 times the volume"
    message["Date"] = "Mon, 23 Nov 2026 14:00:00 +0000"
    message["Message-ID"] = f"<case-{case}.opened@acme.example>"
    message.set_content("4.3 times a usual Monday 14:00\n")
    return message


def tell(home: Path, port: int, case: int, now: datetime) -> None:
    """Queue the notification, as every round does, and send what is due."""
    plain = MailSettings(
        host="127.0.0.1", port=port, security=MailSecurity.NONE, recipients=RECIPIENTS
    )
    state = StateStore.in_folder(home)
    outbox = Outbox(
        store=OutboxStore(state),
        mailer=SmtpMailer(plain),
        notifier=AppriseNotifier({}, ""),
        settings=Settings(mail=plain),
        clock=lambda: now,
        home=home,
    )
    outbox.enqueue(mail(case), f"case-{case}.opened")
    outbox.deliver_due()
    state.close()


def run(home: Path, port: int, case: int, *, at: int | None, out: int, now: datetime) -> bool:
    """Tell in a child; return whether it was killed."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    killer = Killer(at)
    for holder, name in STEPS:
        setattr(holder, name, killer.around(name, getattr(holder, name), out))
    try:
        tell(home, port, case, now)
    finally:
        os._exit(0)


def main(folder: Path, port: int) -> None:
    """Die at every step there is."""
    state = StateStore.in_folder(folder / "empty")
    state.setup()
    state.close()
    case = 0
    while True:
        home = Path(shutil.copytree(folder / "empty", folder / f"case-{case}"))
        was_killed = run(home, port, case, at=case, out=1, now=NOW)
        # The next round, a minute later: what failed is due again.
        run(home, port, case, at=None, out=1, now=NOW + timedelta(minutes=1))
        if not was_killed:
            return
        case += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
