"""Hands e-mails over: to an SMTP server, or into a folder where none is configured."""

from __future__ import annotations

import email.policy
import hashlib
import os
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path

from core.errors import MailUnavailable, QuarantineError, RetryableError
from core.settings import MailSecurity, MailSettings

TEMPORARY = range(400, 500)
"""Reply codes by which a server says "later" (RFC 5321, 4.2.1)."""

TAKEN = (250, 251)
"""Reply codes by which a server takes a recipient (RFC 5321, 4.3.2)."""


class FolderMailer:
    """Writes each e-mail as an .eml file that every mail program opens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage) -> str:
        """Write the message and return the file's path; the same Message-ID overwrites itself.

        Raises RetryableError when the folder cannot be written to.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._path(message)
            temporary = path.with_suffix(".part")
            with temporary.open("wb") as file:
                file.write(message.as_bytes(policy=email.policy.SMTP))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as err:
            raise RetryableError(f"{self._folder} cannot be written to: {err.strerror}") from err
        return str(path)

    def probe(self, message: EmailMessage) -> str:
        """Write the message beside the others, and take it away again.

        Raises RetryableError when the folder cannot be written to.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / "self-test.part"
            with path.open("wb") as file:
                file.write(message.as_bytes(policy=email.policy.SMTP))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except OSError as err:
            raise RetryableError(f"{self._folder} cannot be written to: {err.strerror}") from err
        return f"{self._folder} takes mails"

    def _path(self, message: EmailMessage) -> Path:
        """Return the message's file; a second sending may have another date and subject."""
        digest = hashlib.blake2b(str(message["Message-ID"]).encode(), digest_size=6).hexdigest()
        earlier = next(iter(sorted(self._folder.glob(f"*-{digest}.eml"))), None)
        date = message["Date"].datetime.strftime("%Y-%m-%d-%H%M")
        words = re.sub(r"[^A-Za-z0-9]+", "-", str(message["Subject"]))[:60].strip("-").lower()
        return earlier or self._folder / f"{date}-{words or 'mail'}-{digest}.eml"


class SmtpMailer:
    """Sends e-mails through the SMTP server of the settings."""

    def __init__(self, mail: MailSettings) -> None:
        """Use ``mail``, whose host must be set."""
        if mail.host is None:
            raise ValueError("mail.host is not set")
        self._mail, self._host = mail, mail.host

    def send(self, message: EmailMessage) -> str:
        """Send the message and return to whom and by which server.

        Raises MailUnavailable when the server cannot be used for any message, RetryableError when
        it says "later" to this one or goes away over it, QuarantineError when it refuses the
        message or every recipient for good.
        """
        with self._conversation() as server:
            refused = server.send_message(message)
        told = str(message["To"])
        return f"{told} by {self._host}" + (f" (refused: {_words(refused)})" if refused else "")

    def probe(self, message: EmailMessage) -> str:
        """Name sender and recipients to the server, and take that back before any content.

        Raises as ``send``; a single recipient that is refused is told.
        """
        fields = [str(message[name] or "") for name in ("From", "To")]
        sender, *recipients = [spec for _, spec in getaddresses(fields)]
        is_ascii = all(spec.isascii() for spec in (sender, *recipients))
        with self._conversation() as server:
            server.ehlo_or_helo_if_needed()
            _check(*server.noop())
            _check(*server.mail(sender, () if is_ascii else ("SMTPUTF8",)))
            answers = {spec: server.rcpt(spec) for spec in recipients}
            _check(*server.rset())
        refused = {spec: told for spec, told in answers.items() if told[0] not in TAKEN}
        if refused:
            is_later = all(code in TEMPORARY for code, _ in refused.values())
            error = RetryableError if is_later else QuarantineError
            raise error(f"{self._host} refuses {_words(refused)}")
        return f"{self._host} takes mails to {', '.join(recipients)}"

    @contextmanager
    def _conversation(self) -> Iterator[smtplib.SMTP]:
        """Give a server to talk to, and say what it answers as our errors."""
        server = self._connected()
        try:
            yield server
        except smtplib.SMTPRecipientsRefused as err:
            reason = f"{self._host} refuses every recipient: {_words(err.recipients)}"
            if any(code in TEMPORARY for code, _ in err.recipients.values()):
                raise RetryableError(reason) from err
            raise QuarantineError(reason) from err
        except smtplib.SMTPResponseException as err:
            reason = f"{self._host} answers {_reply(err.smtp_code, err.smtp_error)}"
            if err.smtp_code in TEMPORARY:
                raise RetryableError(reason) from err
            raise QuarantineError(reason) from err
        except (OSError, smtplib.SMTPException) as err:
            # It may have taken the message and died before it said so: nobody can tell.
            raise RetryableError(f"{self._where} went away over the message: {err}") from err
        finally:
            # What was accepted is sent, whatever the server says to our good-bye.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    @property
    def _where(self) -> str:
        return f"{self._host}:{self._mail.port}"

    def _connected(self) -> smtplib.SMTP:
        """Return a connection that is encrypted and logged in as the settings say.

        Whatever goes wrong about it is mended on the server or in the settings, and the mail is
        still wanted then: MailUnavailable.
        """
        try:
            server = self._connect()
            try:
                self._prepare(server)
            except BaseException:
                server.close()
                raise
        except smtplib.SMTPResponseException as err:
            reply = _reply(err.smtp_code, err.smtp_error)
            raise MailUnavailable(f"{self._where} answers {reply}") from err
        except ssl.SSLCertVerificationError as err:
            raise MailUnavailable(
                f"{self._where} shows a certificate that cannot be trusted: {err.verify_message}"
            ) from err
        except (OSError, smtplib.SMTPException) as err:
            raise MailUnavailable(f"{self._where} cannot be used: {err}") from err
        return server

    def _connect(self) -> smtplib.SMTP:
        mail, timeout = self._mail, self._mail.timeout.total_seconds()
        if mail.security is MailSecurity.TLS:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, mail.port, timeout=timeout, context=context)
        return smtplib.SMTP(self._host, mail.port, timeout=timeout)

    def _prepare(self, server: smtplib.SMTP) -> None:
        mail = self._mail
        if mail.security is MailSecurity.STARTTLS:
            server.starttls(context=ssl.create_default_context())
        if mail.username and mail.password:
            server.login(mail.username, mail.password.get_secret_value())


def _check(code: int, text: bytes) -> None:
    """Raises SMTPResponseException for a reply that is no yes."""
    if code not in TAKEN:
        raise smtplib.SMTPResponseException(code, text)


def _words(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{to}: {_reply(code, why)}" for to, (code, why) in refused.items())


def _reply(code: int, text: bytes | str) -> str:
    """Return a server's reply on one line."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(words.split())}"
