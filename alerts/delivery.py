"""Hands e-mails over: to an SMTP server, or into a folder where none is configured."""

from __future__ import annotations

import email.policy
import os
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from core.errors import QuarantineError, RetryableError
from core.settings import MailSecurity, MailSettings

TEMPORARY = range(400, 500)
"""Reply codes by which a server says "later" (RFC 5321, 4.2.1)."""


class FolderMailer:
    """Writes each e-mail as an .eml file that every mail program opens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage) -> str:
        """Write the message and return the file's path; the same Message-ID overwrites itself."""
        path = self._folder / f"{_file_name(message)}.eml"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".part")
            with temporary.open("wb") as file:
                file.write(message.as_bytes(policy=email.policy.SMTP))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as err:
            raise RetryableError(f"{path} cannot be written: {err.strerror}") from err
        return str(path)


def _file_name(message: EmailMessage) -> str:
    date = message["Date"].datetime.strftime("%Y-%m-%d-%H%M")
    words = re.sub(r"[^A-Za-z0-9]+", "-", str(message["Subject"]))[:60].strip("-").lower()
    unique = re.sub(r"[^A-Za-z0-9]+", "", str(message["Message-ID"]).partition("@")[0])[-8:]
    return f"{date}-{words}-{unique}"


class SmtpMailer:
    """Sends e-mails through the SMTP server of the settings."""

    def __init__(self, mail: MailSettings) -> None:
        """Use ``mail``, whose host must be set."""
        if mail.host is None:
            raise ValueError("mail.host is not set")
        self._mail, self._host = mail, mail.host

    def send(self, message: EmailMessage) -> str:
        """Send the message and return to whom and by which server.

        Raises RetryableError when the server cannot be reached or says "later", QuarantineError
        when it refuses the message or every recipient for good.
        """
        try:
            with self._connection() as server:
                refused = server.send_message(message)
        except smtplib.SMTPRecipientsRefused as err:
            codes = [code for code, _ in err.recipients.values()]
            reason = f"{self._host} refuses every recipient: {_words(err.recipients)}"
            if any(code in TEMPORARY for code in codes):
                raise RetryableError(reason) from err
            raise QuarantineError(reason) from err
        except smtplib.SMTPResponseException as err:
            reason = f"{self._host} answers {err.smtp_code} {_decoded(err.smtp_error)}"
            # A refused login is mended in the settings, after which the mail is still wanted.
            is_login = isinstance(err, smtplib.SMTPAuthenticationError)
            if err.smtp_code in TEMPORARY or is_login:
                raise RetryableError(reason) from err
            raise QuarantineError(reason) from err
        except (OSError, smtplib.SMTPException) as err:
            raise RetryableError(f"{self._host}:{self._mail.port} cannot be used: {err}") from err
        told = str(message["To"])
        return f"{told} by {self._host}" + (f" (refused: {_words(refused)})" if refused else "")

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        mail, timeout = self._mail, self._mail.timeout.total_seconds()
        context = ssl.create_default_context()
        if mail.security is MailSecurity.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, mail.port, timeout=timeout, context=context
            )
        else:
            server = smtplib.SMTP(self._host, mail.port, timeout=timeout)
        with server:
            if mail.security is MailSecurity.STARTTLS:
                server.starttls(context=context)
            if mail.username and mail.password:
                server.login(mail.username, mail.password.get_secret_value())
            yield server


def _words(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{to}: {code} {_decoded(why)}" for to, (code, why) in refused.items())


def _decoded(reply: bytes | str) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
