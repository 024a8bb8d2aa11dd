"""The configuration: one folder, one file a kind of thing, every value typed.

Order of precedence: default < file < environment < command line. See ``core.loading`` for how a
folder becomes a ``Configuration``. The rules of alerts.yml stand in ``core.rules``.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, model_validator

from core.mention import Channel
from core.rules import AnyRule, ClockTime
from core.sections import (
    MASK,
    Duration,
    HolidayCountry,
    HolidayDay,
    HttpUrl,
    Language,
    MailAddress,
    Name,
    Section,
    WebsocketUrl,
    ZoneName,
    masked_url,
)
from core.themes import DEFAULT_THEMES, Theme

# --- settings.yml -----------------------------------------------------------------------------


class IndexEngine(StrEnum):
    """Where mentions are kept."""

    EMBEDDED = "embedded"
    ELASTICSEARCH = "elasticsearch"


class IndexSettings(Section):
    """The index: the embedded one in the home folder, or an Elasticsearch cluster."""

    engine: IndexEngine = IndexEngine.EMBEDDED
    url: HttpUrl = "http://127.0.0.1:9200"
    name: str = Field(default="groundswell-mentions", pattern=r"^[a-z][a-z0-9_-]{0,99}$")
    username: str | None = None
    password: SecretStr | None = None
    api_key: SecretStr | None = None
    ca_certs: str | None = None


class StateSettings(Section):
    """The state database as an SQLAlchemy URL; None is SQLite in the home folder."""

    url: SecretStr | None = None


class MailSecurity(StrEnum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class MailSettings(Section):
    """The SMTP server. Without a host, mails are written as .eml files into ``folder``."""

    host: str | None = None
    port: int = Field(default=587, ge=1, le=65535)
    security: MailSecurity = MailSecurity.STARTTLS
    username: str | None = None
    password: SecretStr | None = None
    sender: MailAddress = "Groundswell <groundswell@localhost>"
    recipients: tuple[MailAddress, ...] = ()
    folder: str | None = None
    timeout: Duration = timedelta(seconds=20)
    per_day: int = Field(default=50, ge=1)
    rule_per_day: int = Field(default=12, ge=1)


NotifyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


class QuietHours(Section):
    """When nobody is mailed, in the zone of the settings; what was held back is listed at the end.

    An incident of at least ``breaks_through`` times the usual is told all the same.
    """

    start: ClockTime
    end: ClockTime
    weekends: bool = False
    breaks_through: float = Field(default=10.0, ge=1)

    @model_validator(mode="after")
    def _has_length(self) -> QuietHours:
        if self.start == self.end:
            raise ValueError("start and end must differ, or it would always be quiet")
        return self


class ModelSettings(Section):
    """Which models enrich: ``default`` is the bundled one, else a folder or a hub name.

    ``sentiment_labels`` and ``sentiment_languages`` describe a model of others. A None is what the
    model's own configuration says; of ``threads``, one a core. ``workers`` is how many processes
    analyse, each with models of its own.
    """

    sentiment: str = Field(default="default", min_length=1)
    sentiment_labels: dict[str, Literal["negative", "neutral", "positive"]] = Field(
        default_factory=dict
    )
    sentiment_languages: tuple[Language, ...] = Field(default=("en",), min_length=1)
    minimum_confidence: float | None = Field(default=None, ge=0, lt=1)
    thorough: bool = True
    front_threshold: float | None = Field(default=None, ge=0, le=1)
    threads: int | None = Field(default=None, ge=1, le=64)
    entities: bool = True
    discovered_themes: bool = True
    workers: int = Field(default=1, ge=1, le=64)


class DashboardSettings(Section):
    """Where the dashboard listens, and the Argon2 hash of its password."""

    host: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1, le=65535)
    password_hash: str | None = Field(default=None, pattern=r"^\$argon2id\$")


class CollectSettings(Section):
    """How politely sources are fetched."""

    contact: str | None = None
    timeout: Duration = timedelta(seconds=30)
    max_megabytes: int = Field(default=20, ge=1, le=500)
    daily_budget: int = Field(default=100_000, ge=1)


class ExportSettings(Section):
    """Services whose accounts may stand in a list by an agreement of the operator's own."""

    allow_services: tuple[str, ...] = ()


class TrackSettings(Section):
    """Where ``groundswell track`` looks; change it to use servers of your own."""

    hackernews_url: HttpUrl = "https://hn.algolia.com/api/v1"
    mastodon_url: HttpUrl = "https://mastodon.social"
    bluesky_url: WebsocketUrl = "wss://jetstream2.us-east.bsky.network/subscribe"
    bluesky_api_url: HttpUrl = "https://public.api.bsky.app"
    allow_private: bool = False
    history: Duration = timedelta(days=30)


class Settings(Section):
    """settings.yml: engines, mail, time zone, holidays, languages and addresses."""

    time_zone: ZoneName = "UTC"
    holidays: tuple[HolidayCountry, ...] = ()
    own_holidays: dict[HolidayDay, Name] = Field(default={})
    languages: tuple[Language, ...] = Field(
        default=("en", "de", "es", "fr", "it", "pt"), min_length=1
    )
    public_url: HttpUrl | None = None
    index: IndexSettings = IndexSettings()
    state: StateSettings = StateSettings()
    mail: MailSettings = MailSettings()
    notify: dict[NotifyName, SecretStr] = Field(default={})
    quiet_hours: QuietHours | None = None
    heartbeat_url: SecretStr | None = None
    models: ModelSettings = ModelSettings()
    dashboard: DashboardSettings = DashboardSettings()
    collect: CollectSettings = CollectSettings()
    export: ExportSettings = ExportSettings()
    track: TrackSettings = TrackSettings()

    @property
    def link_base(self) -> str:
        """The address that links in mails begin with, without a slash at its end."""
        return (self.public_url or f"http://127.0.0.1:{self.dashboard.port}").rstrip("/")


# --- sources.yml ------------------------------------------------------------------------------


class SourceSettings(Section):
    """What every source has."""

    name: Name
    every: Duration = timedelta(minutes=5)
    enabled: bool = True
    allow_private: bool = False
    synthetic: bool = False


class FeedSource(SourceSettings):
    """An RSS, Atom, RDF or JSON feed."""

    type: Literal["feed"]
    url: HttpUrl
    channel: Channel = Channel.NEWS


class HackerNewsSource(SourceSettings):
    """Hacker News by the Algolia search API; ``query`` is what is searched for there."""

    type: Literal["hackernews"]
    query: str = Field(min_length=1)
    url: HttpUrl = "https://hn.algolia.com/api/v1"
    channel: Channel = Channel.FORUM


class MastodonSource(SourceSettings):
    """Public hashtag timelines of one Mastodon server."""

    type: Literal["mastodon"]
    url: HttpUrl
    hashtags: tuple[Annotated[str, Field(pattern=r"^#?\w+$")], ...] = Field(min_length=1)
    channel: Channel = Channel.SOCIAL


class BlueskySource(SourceSettings):
    """Bluesky's public stream (Jetstream); authors are looked up at ``api_url``."""

    type: Literal["bluesky"]
    url: WebsocketUrl = "wss://jetstream2.us-east.bsky.network/subscribe"
    api_url: HttpUrl = "https://public.api.bsky.app"
    channel: Channel = Channel.SOCIAL


AnySource = Annotated[
    FeedSource | HackerNewsSource | MastodonSource | BlueskySource, Field(discriminator="type")
]

# --- topics.yml -------------------------------------------------------------------------------


class TopicKind(StrEnum):
    """What a topic stands for."""

    OWN = "own"
    COMPETITOR = "competitor"
    CAMPAIGN = "campaign"
    INDUSTRY = "industry"


class OwnAccount(Section):
    """One of the brand's own accounts, pinned by the id that its service never changes."""

    service: str = Field(min_length=1)
    id: str = Field(min_length=1)


class TopicExamples(Section):
    """Texts that the query must and must not match; ``check-config`` runs them."""

    match: tuple[str, ...] = ()
    no_match: tuple[str, ...] = ()


class Topic(Section):
    """What is tracked: a name, a group for share of voice, a kind and a query.

    ``aliases`` are other ways to write the name, beside those that the query holds.
    """

    name: Name
    aliases: tuple[Name, ...] = Field(default=(), max_length=100)
    group: Name = "default"
    kind: TopicKind = TopicKind.OWN
    query: str = Field(min_length=1)
    query_version: int = Field(default=1, ge=1)
    own: tuple[OwnAccount, ...] = ()
    examples: TopicExamples = TopicExamples()


# --- audiences.yml ----------------------------------------------------------------------------


class Bounds(Section):
    """A range of a number; None is unbounded."""

    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Bounds:
        if self.min is not None and self.max is not None and self.max < self.min:
            raise ValueError(f"max ({self.max}) must not be below min ({self.min})")
        return self


class Segment(Section):
    """A rule over authors: who mentioned the topic how often, with how many followers."""

    name: Name
    query: str = "*:*"
    topic: Name | None = None
    minimum_mentions: int = Field(default=1, ge=1)
    followers: Bounds = Bounds()


class Configuration(Section):
    """All of a configuration folder, checked as one."""

    settings: Settings = Settings()
    sources: tuple[AnySource, ...] = ()
    topics: tuple[Topic, ...] = ()
    themes: Annotated[tuple[Theme, ...], Field(max_length=200)] = DEFAULT_THEMES
    alerts: tuple[AnyRule, ...] = ()
    audiences: tuple[Segment, ...] = ()

    def topic(self, name: str) -> Topic | None:
        """Return the topic of that name, None if there is none."""
        return next((topic for topic in self.topics if topic.name == name), None)


def masked(configuration: Configuration) -> dict[str, Any]:
    """Return the configuration as plain data in which secrets show as asterisks.

    Of addresses these are user and password, the values of the query, and the fragment.
    """
    data: dict[str, Any] = _with_masked_urls(configuration.model_dump(mode="json"))
    dashboard = data["settings"]["dashboard"]
    dashboard["password_hash"] = dashboard["password_hash"] and MASK
    return data


def _with_masked_urls(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _with_masked_urls(held, name) for name, held in value.items()}
    if isinstance(value, list):
        return [_with_masked_urls(held) for held in value]
    is_url = isinstance(value, str) and (key == "url" or key.endswith("_url"))
    return masked_url(value) if is_url else value
