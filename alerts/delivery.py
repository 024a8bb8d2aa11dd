"""Hands e-mails over: to an SMTP server, or into a folder where none is configured."""

from __future__ import annotations

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
from typing import Any

from alerts.message import POLICY
from core.errors import MailUnavailable, QuarantineError, RetryableError
from core.settings import MailSecurity, MailSettings

AS_FILE = POLICY.clone(linesep="\r\n")

TEMPORARY = range(400, 500)
"""Reply codes by which a server says "later" (RFC 5321, 4.2.1)."""

TAKEN = (250, 251)
"""Reply codes by which a server takes a recipient (RFC 5321, 4.3.2)."""

TOO_LARGE = 552
"""The one refusal of a sender that is about the message: its size is named with it (RFC 1870)."""

NOT_LET_IN = (530, 534, 535, 538)
"""Reply codes by which a server asks for a login or for encryption (RFC 4954, 6)."""

TAKING_SECONDS = 600.0
"""How long a server may think about a mail (RFC 5321, 4.5.3.2.6): who hangs up before it has
answered sends again what it may have taken."""


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
                file.write(message.as_bytes(policy=AS_FILE))
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
                file.write(message.as_bytes(policy=AS_FILE))
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


class _Patient(smtplib.SMTP):
    """A connection that waits longer for the answer to a whole mail than for any other."""

    def data(self, msg: Any) -> tuple[int, bytes]:
        self._wait(max(self.timeout, TAKING_SECONDS))
        try:
            return super().data(msg)
        finally:
            self._wait(self.timeout)

    def _wait(self, seconds: float) -> None:
        if self.sock is not None:
            self.sock.settimeout(seconds)


class _PatientTls(_Patient, smtplib.SMTP_SSL):
    """The same, encrypted from the beginning."""


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
            code, reply = server.mail(sender, () if is_ascii else ("SMTPUTF8",))
            if code not in TAKEN:
                raise smtplib.SMTPSenderRefused(code, reply, sender)
            answers = {spec: server.rcpt(spec) for spec in recipients}
            _check(*server.rset())
        refused = {spec: told for spec, told in answers.items() if told[0] not in TAKEN}
        if refused:
            if any(code in NOT_LET_IN for code, _ in refused.values()):
                raise MailUnavailable(f"{self._host} refuses {_words(refused)}")
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
            codes = [code for code, _ in err.recipients.values()]
            if any(code in NOT_LET_IN for code in codes):
                raise MailUnavailable(reason) from err
            if any(code in TEMPORARY for code in codes):
                raise RetryableError(reason) from err
            raise QuarantineError(reason) from err
        except smtplib.SMTPResponseException as err:
            reason = f"{self._host} answers {_reply(err.smtp_code, err.smtp_error)}"
            if err.smtp_code in TEMPORARY:
                raise RetryableError(reason) from err
            if _is_about_settings(err):
                raise MailUnavailable(reason) from err
            raise QuarantineError(reason) from err
        except (smtplib.SMTPNotSupportedError, ValueError) as err:
            # An address that this server or protocol has no letters for.
            raise QuarantineError(f"{self._host} cannot be given this mail: {err}") from err
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
        except UnicodeEncodeError as err:
            # The library's words hold the password.
            raise MailUnavailable(
                f"{self._where}: user and password must be of ASCII letters for a login"
            ) from err
        except (OSError, smtplib.SMTPException) as err:
            raise MailUnavailable(f"{self._where} cannot be used: {err}") from err
        return server

    def _connect(self) -> _Patient:
        mail, timeout = self._mail, self._mail.timeout.total_seconds()
        if mail.security is MailSecurity.TLS:
            context = ssl.create_default_context()
            return _PatientTls(self._host, mail.port, timeout=timeout, context=context)
        return _Patient(self._host, mail.port, timeout=timeout)

    def _prepare(self, server: smtplib.SMTP) -> None:
        mail = self._mail
        if mail.security is MailSecurity.STARTTLS:
            server.starttls(context=ssl.create_default_context())
        if mail.username and not mail.password:
            raise smtplib.SMTPException(
                "mail.username is set, but no password: set GROUNDSWELL_MAIL__PASSWORD"
            )
        if mail.username and mail.password:
            server.login(mail.username, mail.password.get_secret_value())


def _is_about_settings(err: smtplib.SMTPResponseException) -> bool:
    """Return whether a refusal is mended in the settings, so that the mail is wanted still."""
    if isinstance(err, smtplib.SMTPSenderRefused):
        return err.smtp_code != TOO_LARGE
    return err.smtp_code in NOT_LET_IN


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
