"""A real SMTP server in this process that keeps what it receives, and refuses when told to."""

import asyncio
import ssl
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.ports import find_free_port

HOST = "127.0.0.1"


@dataclass(frozen=True)
class ReceivedMail:
    """One mail as it arrived: the envelope's addresses and the parsed message."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    content: bytes = b""


class SmtpServer:
    """Accepts mail for anyone and keeps it in `mails`, in order of arrival."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        """Insist on STARTTLS with ``tls``, and on a user and password with ``login``."""
        self.host = HOST
        self.port = port or find_free_port()
        self.mails: list[ReceivedMail] = []
        self.offered: list[str] = []
        """Whom it was asked to take a mail for, whether one came or not."""
        self.refused: dict[str, str] = {}
        """Recipient -> the answer to it ("550 unknown here")."""
        self.seconds_a_mail = 0.0
        """How long it thinks about each mail before it answers."""
        self.dies_after_data = 0
        """How many of the next mails it keeps and then goes away without an answer."""
        self.goodbye: str | None = None
        """The answer to QUIT, where it is not the usual one."""
        self.sender_answer: str | None = None
        """The answer to MAIL FROM, where it is not the usual one."""
        self.features: tuple[str, ...] | None = None
        """The only ones that it says to have, where not all."""
        self._answers: list[str] = []
        self._login = login
        self._controller = Controller(
            self,
            hostname=HOST,
            port=self.port,
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=login is not None,
            auth_require_tls=tls is not None,
            authenticator=self._check_login,
        )

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def refuse_next(self, *answers: str) -> None:
        """Answer the next mails with these lines ("451 try later"), one each, and keep none."""
        self._answers.extend(answers)

    def _check_login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        """Return whether user and password are the ones this server was told."""
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self._login, handled=False)

    async def handle_EHLO(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, name: str, lines: list[str]
    ) -> list[str]:
        """Say what it can do."""
        session.host_name = name
        if self.features is None:
            return lines
        return [f"250-{HOST}", *(f"250-{one}" for one in self.features), "250 HELP"]

    async def handle_MAIL(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender, or refuse it."""
        if self.sender_answer is not None:
            return self.sender_answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or refuse it."""
        self.offered.append(address)
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 taken"

    async def handle_QUIT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Say good-bye."""
        return self.goodbye or "221 bye"

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep one mail, or refuse it."""
        if self._answers:
            return self._answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        await asyncio.sleep(self.seconds_a_mail)
        self.mails.append(
            ReceivedMail(
                sender=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                message=message_from_bytes(content, policy=policy.default),
                content=content,
            )
        )
        if self.dies_after_data:
            self.dies_after_data -= 1
            assert server.transport is not None
            server.transport.close()
        return "250 kept"
