"""The invented world of the demo: three parcel carriers, their feeds, and what people ask for.

None of the names belongs to a company. All hosts end in ``.example``, a domain reserved for
examples, so that no link of the demo leads anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

GROUP = "parcel carriers"
OWN = "pendrake"
CAMPAIGN_TAG = "pendrakebybike"


@dataclass(frozen=True, slots=True)
class Brand:
    """A carrier: its ``key`` is also its hashtag; ``rate`` is mentions an hour on average."""

    key: str
    name: str
    kind: str
    rate: float
    query: str


@dataclass(frozen=True, slots=True)
class FeedSource:
    """A feed of the demo's server: ``format`` is rss, rdf, atom or json."""

    name: str
    title: str
    channel: str
    format: str
    path: str
    hosts: tuple[str, ...]


PENDRAKE = Brand(
    OWN,
    "Pendrake",
    "own",
    3.5,
    "(pendrake OR #pendrakebybike OR @pendrake_help) AND NOT (band OR album OR setlist OR encore)",
)
ZIPWREN = Brand("zipwren", "Zipwren", "competitor", 2.0, "zipwren")
MULLIVAN = Brand("mullivan", "Mullivan", "competitor", 1.4, 'mullivan OR "mullivan couriers"')
BRANDS = (PENDRAKE, ZIPWREN, MULLIVAN)
BY_KEY = {brand.key: brand for brand in BRANDS}
CAMPAIGN_QUERY = "#pendrakebybike"

NEWS = FeedSource(
    "regional-news",
    "Regional news",
    "news",
    "rss",
    "/feeds/regional-news.rss",
    ("theharbourherald.example", "valleyrecorder.example", "moorgazette.example"),
)
TRADE = FeedSource(
    "trade-press",
    "Parcel trade press",
    "news",
    "rdf",
    "/feeds/trade-press.rdf",
    ("lastmileweekly.example", "thesortingroom.example"),
)
WIRE = FeedSource(
    "press-review", "Press review", "news", "rss", "/feeds/press-review.rss", ("wire.example",)
)
BLOGS = FeedSource(
    "small-shop-blogs",
    "Small shop blogs",
    "blog",
    "json",
    "/feeds/small-shop-blogs.json",
    ("brownpapernotes.example", "tapeandtwine.example", "kitchentabletrade.example"),
)
FORUM = FeedSource(
    "parcel-forum", "Parcel forum", "forum", "atom", "/feeds/parcel-forum.atom", ("forum.example",)
)
REVIEWS = FeedSource(
    "courier-reviews",
    "Courier reviews",
    "review",
    "rss",
    "/feeds/courier-reviews.rss",
    ("courierreviews.example",),
)
FEEDS = (NEWS, TRADE, WIRE, BLOGS, FORUM, REVIEWS)
DEAD_FEED = REVIEWS.name
"""The feed whose server answers 503 for a while."""

INSTANCES = ("kettle.example", "northsea.example", "tinker.example", "fieldpost.example")
SPANISH_INSTANCE = "plaza.example"
MASTODON_TAGS = (OWN, ZIPWREN.key, MULLIVAN.key, CAMPAIGN_TAG)
