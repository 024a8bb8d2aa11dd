"""Looks at everything Groundswell needs and says what is wrong and how to mend it."""

from __future__ import annotations

import os
import shutil
import smtplib
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from app.bootstrap import Application, open_application
from app.intake import LEAST_FREE_BYTES, LEAST_FREE_SHARE, SAMPLE_ONE_IN
from app.stores.file_spool import QUARANTINE
from app.versions import mendable
from core.errors import ConfigurationError, GroundswellError
from core.settings import IndexEngine, MailSecurity

BYTES_A_MENTION = 2_000
"""Disk of a stored mention with its enrichment, measured with the embedded index and real posts."""

MODEL_BYTES = 700_000_000
"""Memory of the enricher with the bundled models, measured."""

EXPECTED_DAYS = 90


class Verdict(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, and what mends it."""

    name: str
    verdict: Verdict
    message: str
    mend: str | None = None


def examine(config: Path, home: Path | None = None) -> list[Finding]:
    """Return the findings, configuration first; without one, nothing else can be looked at."""
    try:
        application = open_application(config, home)
    except ConfigurationError as err:
        mend = f"`groundswell check-config --config {config}` lists them all"
        return [Finding("configuration", Verdict.BAD, str(err.problems[0]), mend)]
    try:
        return list(_examine(application))
    finally:
        application.close()


def _examine(application: Application) -> Iterator[Finding]:
    configuration = application.configuration
    counts = ", ".join(
        f"{len(getattr(configuration, kind))} {kind}"
        for kind in ("sources", "topics", "alerts", "audiences")
    )
    if configuration.topics:
        yield Finding("configuration", Verdict.OK, counts)
    else:
        mend = '`groundswell track "Your brand"`'
        yield Finding("configuration", Verdict.WARNING, "no topic: nothing is collected", mend)
    checks: tuple[Callable[[Application], Finding], ...] = (
        _state, _index, _spool, _volume, _history, _models, _mail, _disk, _memory, _clock,
        _dashboard,
    )  # fmt: skip
    for check in checks:
        try:
            yield check(application)
        except GroundswellError as err:
            yield Finding(check.__name__.strip("_"), Verdict.BAD, str(err))


def _state(application: Application) -> Finding:
    try:
        before = time.perf_counter()
        application.state.last_polls()
    except GroundswellError as err:
        return Finding("state", Verdict.BAD, str(err), "check state.url and that the server runs")
    return Finding("state", Verdict.OK, f"answers in {_milliseconds(before)}")


def _index(application: Application) -> Finding:
    settings = application.configuration.settings.index
    try:
        before = time.perf_counter()
        size = application.index.size()
    except GroundswellError as err:
        embedded = settings.engine is IndexEngine.EMBEDDED
        mend = "check the home folder" if embedded else "check index.url and that the cluster runs"
        return Finding("index", Verdict.BAD, str(err), mend)
    message = f"{settings.engine.value}, {size:,} mentions, answers in {_milliseconds(before)}"
    return Finding("index", Verdict.OK, message)


def _history(application: Application) -> Finding:
    topics = [topic.name for topic in application.configuration.topics]
    names = mendable(application.state.versions.all(), topics, application.clock())
    if not names:
        return Finding("history", Verdict.OK, "of the queries, models and themes of now")
    message = f"of {', '.join(names)} it is of an earlier query, model or theme: rules learn"
    mend = "`groundswell enrich --again` tags and scores it again"
    return Finding("history", Verdict.WARNING, message, mend)


def _spool(application: Application) -> Finding:
    pending = application.spool.pending()
    reasons = Counter(str(record["reason"]) for record in application.spool.quarantined())
    message = f"{pending:,} entries wait, {reasons.total():,} in quarantine"
    if later := application.later.pending():
        message += f"; {later:,} stored without tone and names, which follow"
    if reasons:
        message += f" ({reasons.most_common(1)[0][0]})"
        path = application.home / "spool" / QUARANTINE
        mend = f"the reasons stand in {path}; `groundswell enrich --replay-quarantine` tries again"
        return Finding("spool", Verdict.WARNING, message, mend)
    return Finding("spool", Verdict.OK, message)


def _volume(application: Application) -> Finding:
    """Say which topics brought more today than their daily budget takes."""
    budget = application.configuration.settings.collect.daily_budget
    days = application.state.spent(application.clock().date().isoformat())
    sampled = [f"{day.topic} ({day.left_out:,} left out)" for day in days.values() if day.left_out]
    if not sampled:
        return Finding("volume", Verdict.OK, f"no topic is above {budget:,} mentions today")
    message = f"above {budget:,} mentions today, one in {SAMPLE_ONE_IN} of the rest is kept: "
    mend = "narrow the topic's query, or raise collect.daily_budget"
    return Finding("volume", Verdict.WARNING, message + ", ".join(sorted(sampled)), mend)


def _models(application: Application) -> Finding:
    from core.mention import Mention

    probe = Mention(id="probe", text="This parcel service is great!", language="en").with_version(1)
    try:
        before = time.perf_counter()
        (analysis,) = application.analyser.analyse([probe], application.clock())
    except GroundswellError as err:
        return Finding("models", Verdict.BAD, str(err), "install groundswell anew, or mend models:")
    enrichment = analysis.mention.enrichment
    if enrichment is None:
        return Finding("models", Verdict.BAD, analysis.error or "no result", "mend models:")
    message = f"{', '.join(enrichment.models)}; ready in {_milliseconds(before)}"
    return Finding("models", Verdict.OK, message)


def _mail(application: Application) -> Finding:
    mail = application.configuration.settings.mail
    if mail.host is None:
        folder = mail.folder or application.home / "mail"
        message = f"no mail server: alerts are written to {folder}"
        return Finding("mail", Verdict.WARNING, message, "set mail.host in settings.yml")
    context = ssl.create_default_context()
    try:
        timeout = mail.timeout.total_seconds()
        if mail.security is MailSecurity.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                mail.host, mail.port, timeout=timeout, context=context
            )
        else:
            server = smtplib.SMTP(mail.host, mail.port, timeout=timeout)
        with server:
            if mail.security is MailSecurity.STARTTLS:
                server.starttls(context=context)
            if mail.username and mail.password:
                server.login(mail.username, mail.password.get_secret_value())
            server.noop()
    except (OSError, smtplib.SMTPException) as err:
        message = f"{mail.host}:{mail.port} refuses: {err}"
        return Finding("mail", Verdict.BAD, message, "check mail.host, port, security and password")
    if not mail.recipients and not all(
        rule.recipients for rule in application.configuration.alerts
    ):
        return Finding("mail", Verdict.WARNING, "nobody is told", "set mail.recipients")
    return Finding("mail", Verdict.OK, f"{mail.host}:{mail.port} takes mail")


def _disk(application: Application) -> Finding:
    usage = shutil.disk_usage(application.home)
    least = max(LEAST_FREE_BYTES, int(usage.total * LEAST_FREE_SHARE))
    needed = _expected_mentions(application) * BYTES_A_MENTION
    message = (
        f"{usage.free / 1e9:.1f} GB free; {EXPECTED_DAYS} more days like the last seven need "
        f"{needed / 1e9:.2f} GB"
    )
    if usage.free < least:
        mend = f"collecting stops below {least / 1e9:.1f} GB: free some or move GROUNDSWELL_HOME"
        return Finding("disk", Verdict.BAD, message, mend)
    if usage.free < least + needed:
        return Finding("disk", Verdict.WARNING, message, "plan for a larger disk")
    return Finding("disk", Verdict.OK, message)


def _expected_mentions(application: Application) -> int:
    """Return how many mentions EXPECTED_DAYS bring if they are like the last seven."""
    from core.questions import Selection
    from core.window import TimeWindow

    week = Selection(window=TimeWindow.before(application.clock(), timedelta(days=7)))
    try:
        return application.index.count(week) * EXPECTED_DAYS // 7
    except GroundswellError:
        return 0


def _memory(_application: Application) -> Finding:
    try:
        available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                available = int(line.split()[1]) * 1024
    except (OSError, ValueError):
        return Finding("memory", Verdict.WARNING, "cannot be found out on this system")
    message = f"{available / 1e9:.1f} GB available, the models need {MODEL_BYTES / 1e9:.1f} GB"
    if available < MODEL_BYTES:
        return Finding(
            "memory", Verdict.BAD, message, "end something, or set models.entities: false"
        )
    return Finding("memory", Verdict.OK, message)


def _clock(application: Application) -> Finding:
    now = datetime.now(UTC)
    newest = max((poll.at for poll in application.state.last_polls().values()), default=now)
    if newest > now + timedelta(minutes=5):
        return Finding(
            "clock",
            Verdict.BAD,
            f"it says {now:%Y-%m-%d %H:%M} UTC, before the last poll",
            "set the clock",
        )
    return Finding("clock", Verdict.OK, f"{now:%Y-%m-%d %H:%M} UTC")


def _dashboard(application: Application) -> Finding:
    settings = application.configuration.settings
    dashboard = settings.dashboard
    loopback = dashboard.host in ("127.0.0.1", "::1", "localhost")
    if not loopback and dashboard.password_hash is None:
        mend = "set dashboard.password_hash (`groundswell dashboard --hash-password`)"
        return Finding(
            "dashboard", Verdict.BAD, f"listens on {dashboard.host} without a password", mend
        )
    with socket.socket() as probe:
        probe.settimeout(1)
        is_up = probe.connect_ex(("127.0.0.1", dashboard.port)) == 0
    where = f"http://{dashboard.host}:{dashboard.port}"
    return Finding("dashboard", Verdict.OK, f"{'runs at' if is_up else 'would run at'} {where}")


def _milliseconds(before: float) -> str:
    return f"{(time.perf_counter() - before) * 1000:.0f} ms"
