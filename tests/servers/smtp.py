"""A real SMTP server in this process that keeps what it receives, and refuses when told to."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.servers.ports import find_free_port

HOST = "127.0.0.1"


@dataclass(frozen=True)
class ReceivedMail:
    """One mail as it arrived: the envelope's addresses and the parsed message."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage


class SmtpServer:
    """Accepts mail for anyone and keeps it in `mails`, in order of arrival."""

    def __init__(self) -> None:
        self.host = HOST
        self.port = find_free_port()
        self.mails: list[ReceivedMail] = []
        self._answers: list[str] = []
        self._controller = Controller(self, hostname=HOST, port=self.port)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def refuse_next(self, *answers: str) -> None:
        """Answer the next mails with these lines ("451 try later"), one each, and keep none."""
        self._answers.extend(answers)

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep one mail, or refuse it."""
        if self._answers:
            return self._answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(
            ReceivedMail(
                sender=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                message=message_from_bytes(content, policy=policy.default),
            )
        )
        return "250 kept"
