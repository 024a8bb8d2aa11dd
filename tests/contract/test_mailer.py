"""One contract over everything that hands a mail over, and what SMTP alone can do wrong."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from pydantic import SecretStr

from alerts.delivery import FolderMailer, SmtpMailer
from core.errors import MailUnavailable, QuarantineError, RetryableError
from core.ports import Mailer
from core.settings import MailSecurity, MailSettings
from tests.servers.ports import find_free_port
from tests.servers.smtp import SmtpServer

Received = Callable[[], list[EmailMessage]]


def mail(key: str = "a.opened", subject: str = "Acme: 4.3 times the volume") -> EmailMessage:
    """Return a mail with two parts and names that are not ASCII."""
    message = EmailMessage()
    message["From"] = "Gründe <groundswell@news.example>"
    message["To"] = "Zoë Ünal <zoe@news.example>, ops@news.example"
    message["Subject"] = subject
    message["Date"] = "Thu, 05 Mar 2026 15:20:00 +0000"
    message["Message-ID"] = f"<{key}@news.example>"
    message.set_content("text — naïve\n.a line that begins with a dot\n")
    message.add_alternative("<p>HTML</p>", subtype="html")
    message.set_boundary("fixed")
    return message


def settings(port: int, **told: object) -> MailSettings:
    """Return settings for a plain server on loopback."""
    plain = {"host": "127.0.0.1", "port": port, "security": MailSecurity.NONE}
    return MailSettings.model_validate({**plain, "timeout": timedelta(seconds=5), **told})


@pytest.fixture(params=["folder", "smtp"])
def mailer(
    request: pytest.FixtureRequest, tmp_path: Path, smtp_server: SmtpServer
) -> tuple[Mailer, Received]:
    """Return each mailer, and what arrived by it."""
    if request.param == "smtp":
        sent = SmtpMailer(settings(smtp_server.port))
        return sent, lambda: [one.message for one in smtp_server.mails]

    def read() -> list[EmailMessage]:
        files = sorted((tmp_path / "mail").glob("*"))
        return [message_from_bytes(f.read_bytes(), policy=policy.default) for f in files]

    return FolderMailer(tmp_path / "mail"), read


def test_mail_arrives_whole(mailer: tuple[Mailer, Received]) -> None:
    """What is sent arrives with its headers, recipients and both parts."""
    sender, received = mailer
    assert sender.send(mail(subject="Grüße: 東京 spricht"))
    (message,) = received()
    assert message["Subject"] == "Grüße: 東京 spricht"
    assert [a.display_name for a in message["To"].addresses] == ["Zoë Ünal", ""]
    assert [a.addr_spec for a in message["To"].addresses] == [
        "zoe@news.example",
        "ops@news.example",
    ]
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == ["text — naïve", ".a line that begins with a dot"]
    assert html.get_content().strip() == "<p>HTML</p>"


def test_destination_is_told_in_words(mailer: tuple[Mailer, Received]) -> None:
    """The answer says where the mail went: a file that exists, or who got it from which server."""
    told = mailer[0].send(mail())
    assert Path(told).is_file() or told.endswith("ops@news.example by 127.0.0.1")


def test_long_lines_and_long_subject_arrive(mailer: tuple[Mailer, Received]) -> None:
    """A line longer than SMTP allows and a subject longer than a header line survive."""
    sender, received = mailer
    message = mail(subject="word " * 60)
    message.clear_content()
    message.set_content("x" * 5000)
    sender.send(message)
    (got,) = received()
    assert got["Subject"].split() == ["word"] * 60
    assert got.get_content().strip() == "x" * 5000


def test_what_is_probed_reaches_nobody(mailer: tuple[Mailer, Received]) -> None:
    """All is tried but the last step, and a mail goes out afterwards as ever."""
    sender, received = mailer
    assert "takes mails" in sender.probe(mail())
    assert not received()
    sender.send(mail())
    assert len(received()) == 1


def test_second_sending_of_a_step_is_the_same_file(tmp_path: Path) -> None:
    """A mail sent again overwrites itself by its Message-ID, whatever its date and subject."""
    mailer = FolderMailer(tmp_path)
    first = mailer.send(mail())
    again = mail(subject="Acme: 9 times the volume")
    again.replace_header("Date", "Thu, 05 Mar 2026 16:00:00 +0000")
    assert mailer.send(again) == first
    assert mailer.send(mail("a.resolved")) != first
    assert len(list(tmp_path.iterdir())) == 2


def test_incidents_of_one_minute_and_subject_keep_their_files(tmp_path: Path) -> None:
    """Two incidents with the same subject, date and step never overwrite each other."""
    mailer = FolderMailer(tmp_path)
    paths = {mailer.send(mail(f"{number:020d}.resolved")) for number in range(20)}
    assert len(paths) == 20


def test_folder_that_cannot_be_written_waits(tmp_path: Path) -> None:
    """A file where the folder should be is told, and the mail is tried again later."""
    (tmp_path / "mail").write_text("in the way")
    for hand_over in (FolderMailer(tmp_path / "mail").send, FolderMailer(tmp_path / "mail").probe):
        with pytest.raises(RetryableError, match="mail cannot be written to"):
            hand_over(mail())


def test_smtp_needs_a_host() -> None:
    """A mailer without a server is a mistake of the caller."""
    with pytest.raises(ValueError, match=r"mail\.host"):
        SmtpMailer(MailSettings())


def test_second_sending_is_byte_identical(smtp_server: SmtpServer) -> None:
    """The same message twice is the same bytes, so that mail programs can show it once."""
    mailer = SmtpMailer(settings(smtp_server.port))
    mailer.send(mail())
    mailer.send(mail())
    first, second = smtp_server.mails
    assert first.content == second.content


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("451 4.3.0 try later", RetryableError),
        ("421 closing", RetryableError),
        ("552 5.3.4 too big", QuarantineError),
        ("554 5.7.1 spam", QuarantineError),
    ],
)
def test_refused_message(smtp_server: SmtpServer, answer: str, error: type[Exception]) -> None:
    """ "Later" is tried again, "never" is not, and the server's words are told."""
    smtp_server.refuse_next(answer)
    mailer = SmtpMailer(settings(smtp_server.port))
    with pytest.raises(error, match=answer[-5:]):
        mailer.send(mail())
    assert not smtp_server.mails
    assert mailer.send(mail())


@pytest.mark.parametrize(("code", "error"), [("450", RetryableError), ("550", QuarantineError)])
def test_every_recipient_refused(
    smtp_server: SmtpServer, code: str, error: type[Exception]
) -> None:
    """Refusals of all recipients are told one by one; a temporary one means to try again."""
    smtp_server.refused = {"zoe@news.example": "550 gone", "ops@news.example": f"{code} busy"}
    with pytest.raises(error, match=f"zoe@news.example: 550 gone; ops@news.example: {code} busy"):
        SmtpMailer(settings(smtp_server.port)).send(mail())


def test_some_recipients_refused(smtp_server: SmtpServer) -> None:
    """The others get the mail, and who did not is told."""
    smtp_server.refused = {"zoe@news.example": "550 gone"}
    told = SmtpMailer(settings(smtp_server.port)).send(mail())
    assert "(refused: zoe@news.example: 550 gone)" in told
    assert smtp_server.mails[0].recipients == ("ops@news.example",)


def test_a_probe_asks_for_each_recipient_and_sends_nothing(smtp_server: SmtpServer) -> None:
    """Sender and recipients are named as for a mail; no content follows."""
    told = SmtpMailer(settings(smtp_server.port)).probe(mail())
    assert told == "127.0.0.1 takes mails to zoe@news.example, ops@news.example"
    assert smtp_server.offered == ["zoe@news.example", "ops@news.example"]
    assert not smtp_server.mails


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        ({"zoe@news.example": "550 gone"}, QuarantineError),
        ({"zoe@news.example": "550 gone", "ops@news.example": "450 busy"}, QuarantineError),
        ({"ops@news.example": "450 busy"}, RetryableError),
    ],
)
def test_a_probe_fails_for_a_single_recipient(
    smtp_server: SmtpServer, refused: dict[str, str], error: type[Exception]
) -> None:
    """Who is refused would get no alert: that is what it is to find out."""
    smtp_server.refused = refused
    words = "; ".join(f"{to}: {answer}" for to, answer in refused.items())
    with pytest.raises(error, match=f"127.0.0.1 refuses {words}"):
        SmtpMailer(settings(smtp_server.port)).probe(mail())


def test_a_probe_needs_a_server_and_takes_any_address(smtp_server: SmtpServer) -> None:
    """A server that is away is told as for a mail; addresses that are not ASCII are asked for."""
    port = find_free_port()
    with pytest.raises(MailUnavailable, match=f"127.0.0.1:{port} cannot be used"):
        SmtpMailer(settings(port)).probe(mail())
    foreign = mail()
    foreign.replace_header("To", "zoë@news.example")
    SmtpMailer(settings(smtp_server.port)).probe(foreign)
    assert smtp_server.offered == ["zoë@news.example"]


def test_accepted_mail_is_sent_whatever_the_goodbye(smtp_server: SmtpServer) -> None:
    """A server that answers QUIT with an error has the mail all the same: no second one."""
    smtp_server.goodbye = "421 busy, go away"
    assert SmtpMailer(settings(smtp_server.port)).send(mail())
    assert len(smtp_server.mails) == 1


def test_server_that_dies_over_the_message_is_about_that_message(smtp_server: SmtpServer) -> None:
    """Whether it was taken cannot be told: it is sent again, and other messages are not held up."""
    smtp_server.dies_after_data = 1
    mailer = SmtpMailer(settings(smtp_server.port))
    with pytest.raises(RetryableError, match="went away over the message") as caught:
        mailer.send(mail())
    assert not isinstance(caught.value, MailUnavailable)
    mailer.send(mail())
    first, second = smtp_server.mails
    assert first.content == second.content


def test_server_that_thinks_longer_than_the_timeout(smtp_server: SmtpServer) -> None:
    """A scan of the whole mail takes its time: who hung up would send it again and again."""
    smtp_server.seconds_a_mail = 1.5
    SmtpMailer(settings(smtp_server.port, timeout=timedelta(seconds=0.5))).send(mail())
    assert len(smtp_server.mails) == 1


def test_server_that_thinks_for_ever(
    smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have taken the message: that is tried again."""
    monkeypatch.setattr("alerts.delivery.TAKING_SECONDS", 0.1)
    smtp_server.seconds_a_mail = 1.5
    with pytest.raises(RetryableError, match=r"went away over the message: .*timed out"):
        SmtpMailer(settings(smtp_server.port, timeout=timedelta(seconds=0.5))).send(mail())


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_server_that_wants_a_login_keeps_the_mail_waiting() -> None:
    """That is mended in the settings, and the alert is wanted still: no mail is refused for it."""
    with SmtpServer(login=("bot", "s3cret-pass")) as server:
        plain = settings(server.port)
        for hand_over in (SmtpMailer(plain).send, SmtpMailer(plain).probe):
            with pytest.raises(MailUnavailable, match="530"):
                hand_over(mail())
        named = SmtpMailer(settings(server.port, username="bot"))
        with pytest.raises(MailUnavailable, match="GROUNDSWELL_MAIL__PASSWORD"):
            named.send(mail())
        assert not server.mails


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("553 5.7.1 not your address", MailUnavailable),
        ("552 5.3.4 too large", QuarantineError),
        ("451 4.7.1 later", RetryableError),
    ],
)
def test_a_sender_that_is_refused(
    smtp_server: SmtpServer, answer: str, error: type[Exception]
) -> None:
    """Another sender can be set, so the mail waits; a size or a "later" is about that mail."""
    smtp_server.sender_answer = answer
    mailer = SmtpMailer(settings(smtp_server.port))
    for hand_over in (mailer.send, mailer.probe):
        with pytest.raises(error, match=answer) as caught:
            hand_over(mail())
        assert isinstance(caught.value, MailUnavailable) is (error is MailUnavailable)


def test_a_relay_that_asks_at_the_recipient(smtp_server: SmtpServer) -> None:
    """Some servers ask for the login only there."""
    smtp_server.refused = dict.fromkeys(("zoe@news.example", "ops@news.example"), "530 log in")
    mailer = SmtpMailer(settings(smtp_server.port))
    for hand_over in (mailer.send, mailer.probe):
        with pytest.raises(MailUnavailable, match="530 log in"):
            hand_over(mail())


def test_an_address_that_no_letter_of_the_server_writes(smtp_server: SmtpServer) -> None:
    """A server without SMTPUTF8 will not have it later either."""
    smtp_server.features = ("8BITMIME",)
    foreign = mail()
    foreign.replace_header("To", "zoë@news.example")
    with pytest.raises(QuarantineError, match="SMTPUTF8"):
        SmtpMailer(settings(smtp_server.port)).send(foreign)


def test_nobody_listens() -> None:
    """A refused connection is told with host and port, and tried again."""
    port = find_free_port()
    with pytest.raises(MailUnavailable, match=f"127.0.0.1:{port} cannot be used"):
        SmtpMailer(settings(port)).send(mail())


def test_server_that_never_answers() -> None:
    """A server that accepts and says nothing costs the timeout, not the evaluation."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        mailer = SmtpMailer(settings(port, timeout=timedelta(seconds=1)))
        with pytest.raises(MailUnavailable, match="timed out"):
            mailer.send(mail())


def test_host_without_mail_service() -> None:
    """A permanent refusal before any message is about the connection: the mail still waits."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"554 no mail here\r\n")

        answering = threading.Thread(target=refuse)
        answering.start()
        with pytest.raises(MailUnavailable, match="554 no mail here"):
            SmtpMailer(settings(listener.getsockname()[1])).send(mail())
        answering.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the key and certificate of 127.0.0.1, signed by nobody else."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[SmtpServer]:
    """Return a server that insists on STARTTLS and on a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with SmtpServer(tls=context, login=("bot", "s3cret-pass")) as server:
        yield server


def secured(server: SmtpServer, password: str = "s3cret-pass") -> SmtpMailer:
    """Return a mailer that encrypts and logs in."""
    return SmtpMailer(
        settings(
            server.port,
            security=MailSecurity.STARTTLS,
            username="bot",
            password=SecretStr(password),
        )
    )


def test_certificate_of_a_stranger_is_told(tls_server: SmtpServer) -> None:
    """A certificate that nobody vouches for sends nothing, and says so."""
    with pytest.raises(MailUnavailable, match=r"certificate that cannot be trusted: self.signed"):
        secured(tls_server).send(mail())
    assert not tls_server.mails


def test_starttls_and_login(
    tls_server: SmtpServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a certificate that the system trusts and the right password, the mail arrives."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert secured(tls_server).send(mail())
    assert len(tls_server.mails) == 1


def test_wrong_password_waits_and_stays_secret(
    tls_server: SmtpServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused login is mended in the settings, so the mail waits; the password is not told."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(MailUnavailable, match="535") as caught:
        secured(tls_server, "wrong-pass").send(mail())
    assert "wrong-pass" not in str(caught.value)


def test_a_password_beyond_ascii_waits_and_stays_secret(
    tls_server: SmtpServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The protocol's library cannot say it; whoever reads the reason knows what to change."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(MailUnavailable, match="ASCII") as caught:
        secured(tls_server, "paßwort").send(mail())
    assert "paßwort" not in str(caught.value)


def test_starttls_that_is_not_offered(smtp_server: SmtpServer) -> None:
    """A server without STARTTLS is not spoken to in the clear when the settings ask for it."""
    with pytest.raises(MailUnavailable, match="STARTTLS"):
        secured(smtp_server).send(mail())
    assert not smtp_server.mails
