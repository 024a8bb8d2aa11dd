"""The one place that knows every concrete adapter and puts them together."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.enricher import BATCH, Enricher
from app.home import CONFIG_VARIABLE, HOME_VARIABLE, home_folder
from app.intake import Intake
from app.stores.file_spool import FileSpool
from app.workers import WorkerAnalyser
from core.loading import load_configuration
from core.ports import Analyser, Index, Mailer
from core.settings import Configuration, IndexEngine, Topic

if TYPE_CHECKING:
    from app.delivering import Outbox
    from app.stores.state import StateStore

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


@dataclass
class Application:
    """Everything that a command needs, each part built when it is first asked for.

    ``writes`` opens the index for writing, which one process may do with the embedded engine.
    ``producer`` names this process's segments of the spool. ``is_clock_held`` says that the clock
    stands still, at an instant that was told.
    """

    configuration: Configuration
    config_folder: Path
    home: Path
    clock: Clock = system_clock
    writes: bool = False
    producer: str = "app"
    is_clock_held: bool = False
    _opened: list[str] = field(default_factory=list)
    _workers: WorkerAnalyser | None = field(default=None, init=False)
    _has_noted: bool = field(default=False, init=False)

    @cached_property
    def state(self) -> StateStore:
        """The state database, its tables up to date."""
        from app.stores.state import StateStore

        url = self.configuration.settings.state.url
        store = StateStore(url.get_secret_value()) if url else StateStore.in_folder(self.home)
        store.setup()
        self._opened.append("state")
        return store

    def note_versions(self) -> None:
        """Write down, once, what is new in what tags and scores mentions.

        For whoever tags, scores or judges by this configuration; looking on writes nothing.
        """
        from app.versions import note_versions

        if not self._has_noted:
            note_versions(self.state.versions, self.configuration, self.clock())
            self._has_noted = True

    @cached_property
    def index(self) -> Index:
        """The index that the settings name."""
        index = self._build_index()
        if self.writes or self.configuration.settings.index.engine is IndexEngine.ELASTICSEARCH:
            index.setup()
        self._opened.append("index")
        return index

    def _build_index(self) -> Index:
        settings = self.configuration.settings.index
        if settings.engine is IndexEngine.ELASTICSEARCH:
            from index.elasticsearch_index import ElasticsearchIndex

            return ElasticsearchIndex(
                settings.url,
                settings.name,
                username=settings.username,
                password=settings.password.get_secret_value() if settings.password else None,
                api_key=settings.api_key.get_secret_value() if settings.api_key else None,
                ca_certs=settings.ca_certs,
            )
        from index.embedded import EmbeddedIndex

        return EmbeddedIndex(self.home / "index", read_only=not self.writes)

    @cached_property
    def spool(self) -> FileSpool:
        """The spool in the home folder."""
        spool = FileSpool(self.home / "spool", self.producer)
        self._opened.append("spool")
        return spool

    @cached_property
    def later(self) -> FileSpool:
        """What is stored and waits to be analysed in full; the enricher's own."""
        spool = FileSpool(self.home / "spool" / "later", self.producer)
        self._opened.append("later")
        return spool

    @cached_property
    def analyser(self) -> Analyser:
        """What enriches mentions, with the models that the settings name."""
        from nlp.analyser import Analyser as NlpAnalyser

        configuration = self.configuration
        return NlpAnalyser.from_settings(
            configuration.settings, configuration.topics, configuration.themes
        )

    @cached_property
    def mailer(self) -> Mailer:
        """SMTP where a host is configured, else a folder of .eml files."""
        from alerts.delivery import FolderMailer, SmtpMailer

        mail = self.configuration.settings.mail
        if mail.host is None:
            return FolderMailer(Path(mail.folder) if mail.folder else self.home / "mail")
        return SmtpMailer(mail)

    @cached_property
    def outbox(self) -> Outbox:
        """What is to be told, and its ledger, in the state database."""
        from alerts.chats import AppriseNotifier
        from app.delivering import Outbox
        from app.handling import Links
        from app.stores.outbox import OutboxStore

        settings = self.configuration.settings
        addresses = {name: one.get_secret_value() for name, one in settings.notify.items()}
        return Outbox(
            store=OutboxStore(self.state),
            mailer=self.mailer,
            notifier=AppriseNotifier(addresses, settings.link_base),
            settings=settings,
            clock=self.clock,
            home=self.home,
            links=Links(self),
            find_incident=self.state.incident,
        )

    def intake(self, forced_topic: Topic | None = None, *, is_budgeted: bool = True) -> Intake:
        """Return where collectors deliver to; imports, which people start, have no budget."""
        from app.echo import echo_finder
        from nlp.language import detect_language

        self.note_versions()
        settings = self.configuration.settings
        detect = partial(detect_language, candidates=settings.languages)
        return Intake(
            topics=self.configuration.topics,
            spool=self.spool,
            index=self.index,
            state=self.state,
            detect_language=lambda text: detect(text).code,
            clock=self.clock,
            home=self.home,
            daily_budget=settings.collect.daily_budget if is_budgeted else None,
            forced_topic=forced_topic,
            is_echo=echo_finder(settings),
        )

    def enricher(
        self, careful_command: list[str], *, workers: int = 1, worker_command: Sequence[str] = ()
    ) -> Enricher:
        """Return what moves the spool into the index.

        With several ``workers``, each a process that ``worker_command`` starts, this one loads no
        models: it only reads the spool and writes the index.
        """
        from nlp.stories.grouper import StoryGrouper
        from nlp.themes.discovery import ThemeDiscoverer
        from nlp.vectors import load_vectors

        self.note_versions()
        analyser: Analyser
        if workers > 1:
            analyser = self._workers = WorkerAnalyser(worker_command, careful_command, workers)
            self._opened.append("_workers")
        else:
            analyser = self.analyser
        discovers = self.configuration.settings.models.discovered_themes
        return Enricher(
            spool=self.spool,
            later=self.later,
            index=self.index,
            analyser=analyser,
            clock=self.clock,
            home=self.home,
            stories=StoryGrouper(),
            themes=ThemeDiscoverer(load_vectors()) if discovers else None,
            careful_command=careful_command,
            batch=BATCH * workers,
        )

    def close(self) -> None:
        """Release what was opened; safe to call twice."""
        while self._opened:
            getattr(self, self._opened.pop()).close()


def open_application(
    config: Path,
    home: Path | None = None,
    now: datetime | None = None,
    *,
    writes: bool = False,
    producer: str = "app",
) -> Application:
    """Return the application of the configuration folder ``config``.

    ``now`` sets the process's whole clock; None is the system's.

    Raises ConfigurationError with every problem of the configuration.
    """
    configuration = load_configuration(config, os.environ)
    folder = home or home_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    clock = (lambda: now) if now is not None else system_clock
    is_held = now is not None
    return Application(
        configuration, config, folder, clock, writes, producer, is_clock_held=is_held
    )


def child_environment(application: Application) -> dict[str, str]:
    """Return the environment for a process that is to use the same home and configuration."""
    return {
        **os.environ,
        HOME_VARIABLE: str(application.home.absolute()),
        CONFIG_VARIABLE: str(application.config_folder.absolute()),
    }
