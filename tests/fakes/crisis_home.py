"""A home whose time, mails and mentions a test decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from alerts.incident import Incident
from alerts.notification import Delivery, Notification
from app.alerting import RuleOutcome, evaluate_rules
from app.bootstrap import Application
from app.stores.outbox import OutboxStore
from tests.fakes import crisis

HOUR = timedelta(hours=1)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = crisis.NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class TroubledMailer:
    """Keeps what it is sent; raises what it is told, before or after keeping it."""

    before: BaseException | None = None
    after: BaseException | None = None
    sent: list[EmailMessage] = field(default_factory=list)

    def send(self, message: EmailMessage) -> str:
        if self.before is not None:
            raise self.before
        self.sent.append(message)
        if self.after is not None:
            raise self.after
        return f"kept {len(self.sent)}"

    def probe(self, message: EmailMessage) -> str:
        if self.before is not None:
            raise self.before
        return "would be kept"

    @property
    def steps(self) -> list[str]:
        """The incident-free part of each Message-ID, in order."""
        return [str(one["Message-ID"]).split(".")[1].partition("@")[0] for one in self.sent]


class Home:
    """An application whose time, mails and mentions the test decides."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self.mailer = TroubledMailer()
        self.application: Application = self.open()

    def open(self) -> Application:
        """Open the application anew, as another process would."""
        self.application = crisis.open_home(self.folder, self.clock)
        self.application.__dict__["mailer"] = self.mailer
        return self.application

    def restart(self) -> None:
        """End the process and start another."""
        self.application.close()
        self.open()

    def evaluate(self, *names: str, **options: bool) -> dict[str, RuleOutcome]:
        """Evaluate and return the outcomes by rule."""
        return {one.rule: one for one in evaluate_rules(self.application, names, **options)}

    def told(self, incident: Incident) -> list[tuple[Notification, list[Delivery]]]:
        """Return the ledger of an incident."""
        return OutboxStore(self.application.state).of_incident(incident.id)

    def add(self, count: int, start: datetime, length: timedelta = HOUR) -> None:
        """Let people be angry."""
        self.application.index.apply(crisis.crisis(count, start, length), self.clock.now)
