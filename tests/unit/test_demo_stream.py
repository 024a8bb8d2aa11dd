"""The demo's stream: its size, its events, and that its texts do not read like templates."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from core.mention import Mention
from core.query.evaluate import matches
from core.query.parser import parse
from core.window import TimeWindow
from demo.grammar import (
    Filling,
    SkeletonError,
    Writer,
    compile_line,
    load_fillers,
    load_sections,
    tidy,
)
from demo.post import DemoPost, Service
from demo.stream import generate, own_accounts
from demo.timeline import LIVE, WIRE_COPIES, Calendar
from demo.wire_services import mastodon_status
from demo.world import BRANDS, BY_KEY, OWN

NOW = datetime(2026, 11, 23, 14, 20, tzinfo=UTC)
CALENDAR = Calendar(NOW)
NIGHT = datetime(2027, 2, 28, 3, 7, tzinfo=UTC)
COMPUTED = {"clock", "order", "city2"}
FROM_CALLER = {"brand", "Brand", "rival", "Rival", "weekday"} | {
    f"parent{part}" for part in ("", "_first", "_item", "_city")
}


@pytest.fixture(scope="module")
def posts() -> list[DemoPost]:
    """The stream of one afternoon."""
    return generate(NOW)


@pytest.fixture(scope="module")
def written(posts: list[DemoPost]) -> list[DemoPost]:
    """The posts without the copies that are copies on purpose."""
    return [post for post in posts if post.labels.copy_of is None and post.title != ""]


def normalise(text: str) -> list[str]:
    """Return the lower-case words of ``text``."""
    return re.findall(r"\w+", text.lower())


def grams(words: list[str], n: int) -> list[tuple[str, ...]]:
    """Return the runs of ``n`` words."""
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def within(
    posts: Iterable[DemoPost], window: TimeWindow, brand: str = OWN, *, own: bool = False
) -> list[DemoPost]:
    """Return the posts about ``brand`` in ``window``, without the brand's own unless asked."""
    return [
        post
        for post in posts
        if post.brand == brand and post.published_at in window and post.is_own <= own
    ]


def negative_share(posts: list[DemoPost]) -> float:
    """Return the share of posts meant badly."""
    return sum(post.labels.sentiment == "negative" for post in posts) / len(posts)


# --- the whole --------------------------------------------------------------------------------


@pytest.mark.parametrize("now", [NOW, NIGHT], ids=["afternoon", "night"])
def test_the_stream_is_large_and_lies_around_now(now: datetime) -> None:
    """At least 5,500 posts of three brands in 30 days, with unique ids, in order; some live."""
    posts = generate(now)
    past = [post for post in posts if post.published_at <= now]
    assert len(past) >= 5500
    assert {post.brand for post in past} == {brand.key for brand in BRANDS}
    assert len({(post.service, post.id) for post in posts}) == len(posts)
    assert len({post.url for post in posts}) == len(posts)
    times = [post.published_at for post in posts]
    assert times == sorted(times)
    assert times[0] >= now - timedelta(days=30)
    assert len([at for at in times if now < at <= now + LIVE]) >= 30


def test_the_stream_is_the_same_for_the_same_seed(posts: list[DemoPost]) -> None:
    """A second generation is equal to the last letter; another seed is not."""
    assert generate(NOW) == posts
    assert [post.text for post in generate(NOW, seed=8)] != [post.text for post in posts]


def test_a_naive_now_is_refused() -> None:
    """A time without a zone would be a guess."""
    with pytest.raises(ValueError, match="time zone"):
        generate(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_links_lead_nowhere(posts: list[DemoPost]) -> None:
    """Every host is reserved for examples."""
    urls = [url for post in posts for url in (post.url, post.author.url, *post.media)]
    assert all((urlsplit(url).hostname or "").endswith(".example") for url in urls)


def test_two_languages_are_spoken(posts: list[DemoPost]) -> None:
    """About one post in eight is Spanish."""
    share = sum(post.language == "es" for post in posts) / len(posts)
    assert 0.09 < share < 0.16


def test_every_service_and_kind_is_there(posts: list[DemoPost]) -> None:
    """Social posts, forum, reviews, news, blogs, stories; questions, threads, long articles."""
    services = Counter(post.service for post in posts)
    assert min(services[service] for service in Service) > 60
    assert sum(post.parent_id is not None for post in posts) > 600
    assert sum("?" in post.text for post in posts) > 600
    lengths = [len(normalise(post.text)) for post in posts]
    assert 50 < sum(300 <= length <= 900 for length in lengths) < 200
    assert max(lengths) <= 900


def test_a_reply_follows_its_parent(posts: list[DemoPost]) -> None:
    """Parent and root exist on the same service, and are older than the answer."""
    by_id = {post.id: post for post in posts}
    for post in posts:
        if post.parent_id and post.root_id:
            parent, root = by_id[post.parent_id], by_id[post.root_id]
            assert parent.service == root.service == post.service
            assert root.published_at <= parent.published_at <= post.published_at
            assert root.parent_id is None


# --- the texts --------------------------------------------------------------------------------


def test_there_is_much_material() -> None:
    """More than 1,000 skeletons, and every slot in them can be filled."""
    sections = load_sections()
    known = set(load_fillers()) | COMPUTED | FROM_CALLER
    assert sum(map(len, sections.values())) > 1000
    assert len({skeleton.key for lines in sections.values() for skeleton in lines}) > 1000
    for lines in sections.values():
        for skeleton in lines:
            assert skeleton.slots <= known, skeleton.key


def test_few_posts_share_their_text(written: list[DemoPost]) -> None:
    """Apart from deliberate copies under 3 % of posts repeat another's words."""
    texts = Counter(" ".join(normalise(f"{post.title or ''} {post.text}")) for post in written)
    assert 1 - len(texts) / len(written) < 0.03


def test_no_skeleton_dominates(posts: list[DemoPost], written: list[DemoPost]) -> None:
    """No line of the material is behind more than 0.6 % of the posts."""
    used = Counter(key for post in written for key in set(post.labels.skeletons))
    key, count = used.most_common(1)[0]
    assert count / len(posts) < 0.006, key


def test_phrases_vary(written: list[DemoPost]) -> None:
    """Of all runs of four words at least 42 % occur once only as a kind; half in short posts."""
    everything = [gram for post in written for gram in grams(normalise(post.text), 4)]
    short = [
        gram
        for post in written
        if len(words := normalise(post.text)) < 100
        for gram in grams(words, 4)
    ]
    assert len(set(everything)) / len(everything) > 0.42
    assert len(set(short)) / len(short) > 0.5


def test_no_phrase_is_everywhere(written: list[DemoPost]) -> None:
    """The most frequent run of five words is in under 0.6 % of the posts."""
    counts = Counter(gram for post in written for gram in set(grams(normalise(post.text), 5)))
    gram, count = counts.most_common(1)[0]
    assert count / len(written) < 0.006, " ".join(gram)


def test_the_vocabulary_is_wide(written: list[DemoPost]) -> None:
    """Over 5,000 different words, and 300 posts in a row use over a third as many as words."""
    vocabulary = {word for post in written for word in normalise(post.text)}
    assert len(vocabulary) > 5000
    social = [post for post in written if len(post.text) < 400][:300]
    words = [word for post in social for word in normalise(post.text)]
    assert len(set(words)) / len(words) > 0.27


def test_people_type_in_their_own_way(written: list[DemoPost]) -> None:
    """Some write in lower case, some shout, some use emoji, and most none of it."""
    social = [post.text for post in written if post.service is Service.MASTODON]
    emoji = re.compile("[\U0001f300-\U0001faff\u2b50\u2764]")
    shouts = re.compile(r"\b[A-Z]{4,}\b")

    def share(holds: Callable[[str], object]) -> float:
        return sum(bool(holds(text)) for text in social) / len(social)

    assert 0.08 < share(lambda text: text[:1].islower()) < 0.4
    assert 0.05 < share(emoji.search) < 0.4
    assert 0.01 < share(shouts.search) < 0.2


# --- the events -------------------------------------------------------------------------------


def usual(posts: list[DemoPost], window: TimeWindow) -> float:
    """Return the mean volume of the same hours on days without an event."""
    counts = []
    for day in range(-14, 15):
        shifted = TimeWindow(window.start + timedelta(days=day), window.end + timedelta(days=day))
        inside = within(posts, shifted)
        loud = {"strike", "update", "fee_day", "campaign", "wire"}
        quiet = loud.isdisjoint(post.labels.event for post in inside)
        if quiet and shifted.start >= CALENDAR.history.start and shifted.end <= NOW:
            counts.append(len(inside))
    return sum(counts) / len(counts)


def test_the_strike_is_loud_and_over(posts: list[DemoPost]) -> None:
    """Crisis A: eight hours of at least four times the volume, mostly negative, then quiet."""
    crisis = within(posts, CALENDAR.strike)
    assert len(crisis) > 4 * usual(posts, CALENDAR.strike)
    assert negative_share(crisis) > 0.6
    after = TimeWindow(CALENDAR.strike.end, CALENDAR.strike.end + timedelta(hours=12))
    assert not any(post.labels.event == "strike" for post in within(posts, after))


def test_the_outage_is_open_and_grows(posts: list[DemoPost]) -> None:
    """Crisis B: for 100 minutes over four times the usual, and it goes on while one watches."""
    past = TimeWindow(CALENDAR.update.start, NOW)
    crisis = within(posts, past)
    assert len(crisis) > 4 * usual(posts, past)
    assert negative_share(crisis) > 0.6
    live = [post for post in posts if post.published_at > NOW]
    assert sum(post.labels.event == "update" for post in live) > 60


def test_the_fee_day_is_angry_at_usual_volume(posts: list[DemoPost]) -> None:
    """Crisis C: twice the negative share or more, on a day that counts as any other."""
    day = within(posts, CALENDAR.fee_day)
    quiet = [
        post
        for post in within(posts, CALENDAR.history)
        if post.published_at not in CALENDAR.fee_day
        and post.published_at not in CALENDAR.strike
        and post.published_at < CALENDAR.update.start
    ]
    assert negative_share(day) > 2 * negative_share(quiet)
    assert 0.6 < len(day) / usual(posts, CALENDAR.fee_day) < 1.5


def test_the_campaign_lifts_volume_and_mood(posts: list[DemoPost]) -> None:
    """Six days of a hashtag add at least a fifth of volume, all of it kind."""
    campaign = within(posts, CALENDAR.campaign)
    before = within(
        posts, TimeWindow(CALENDAR.campaign.start - timedelta(days=6), CALENDAR.campaign.start)
    )
    assert len(campaign) > 1.2 * len(before)
    assert negative_share(campaign) < negative_share(before)
    tagged = [post for post in campaign if "#pendrakebybike" in post.text.lower()]
    assert len(tagged) > 120


def test_a_wire_story_is_printed_sixty_times(posts: list[DemoPost]) -> None:
    """One story and its copies: sixty sites in a morning, most of them word for word."""
    wire = [post for post in posts if post.labels.event == "wire"]
    assert len(wire) == WIRE_COPIES == len({urlsplit(post.url).hostname for post in wire})
    assert all(post.published_at in CALENDAR.wire for post in wire)
    assert 0.6 < sum(post.text == wire[0].text for post in wire) / len(wire) < 1
    assert all(post.labels.copy_of == wire[0].id for post in wire[1:])


def test_a_bot_repeats_its_advertisement(posts: list[DemoPost]) -> None:
    """One account that says it is a bot posts a handful of texts dozens of times."""
    bot = [post for post in posts if post.author.is_bot]
    assert len(bot) > 50
    assert len({post.author.id for post in bot}) == 1
    assert len({post.text for post in bot}) < len(bot) / 2


def test_own_accounts_are_marked(posts: list[DemoPost]) -> None:
    """The help desk's posts are own, and pinned by service and id; nobody else's are."""
    pinned = dict(own_accounts())
    social = [p for p in posts if p.service in (Service.MASTODON, Service.BLUESKY)]
    assert sum(post.is_own for post in social) > 40
    for post in social:
        account = post.author.id
        if post.service is Service.MASTODON:
            account = mastodon_status(post)["account"]["uri"]
        assert post.is_own == (pinned[post.service.value] == account)


def test_topics_find_their_brand_and_not_the_namesake(posts: list[DemoPost]) -> None:
    """Each brand's query matches its posts; the musicians are left out, the river is not."""
    queries = {key: parse(brand.query) for key, brand in BY_KEY.items()}
    show: list[bool] = []
    for post in posts:
        mention = Mention(id=post.id, title=post.title, text=post.text)
        found = matches(queries[post.brand], mention)
        if post.labels.event == "namesake_show":
            show.append(found)
        else:
            assert found, post.text
    assert sum(show) / len(show) < 0.1  # a misspelt "albbum" slips through, as it would


def test_days_have_a_rhythm(posts: list[DemoPost]) -> None:
    """Afternoons are several times as busy as the small hours."""
    hours = Counter(post.published_at.hour for post in posts if post.labels.event is None)
    assert hours[15] > 4 * hours[3]


# --- the grammar ------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["{a|b", "a}", "<slot", "{a|{b}"])
def test_a_broken_skeleton_is_refused(line: str) -> None:
    """A brace or an angle bracket left open is an error that shows the line."""
    with pytest.raises(SkeletonError):
        compile_line(line)


@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        ("a  air fryer", "an air fryer"),
        ("an telescope", "a telescope"),
        ("a ukulele and a one-off", "an ukulele and a one-off"),
        ("late , again .", "late, again."),
    ],
)
def test_filled_text_is_mended(raw: str, mended: str) -> None:
    """Doubled spaces, articles and spaces before marks are put right."""
    assert tidy(raw) == mended


def test_a_deck_runs_out_before_it_repeats() -> None:
    """Every skeleton of a section comes once before any comes twice."""
    writer = Writer(random.Random(1))
    size = len(load_sections()["en:late"])
    assert len({writer.draw("en:late").key for _ in range(size)}) == size


def test_a_text_keeps_to_its_subject() -> None:
    """A sticky slot has one filler in a text, and the second city is another one."""
    writer = Writer(random.Random(2))
    filling = Filling({}, frozenset({"item", "city"}))
    assert len({writer.fill("item", filling) for _ in range(20)}) == 1
    city = writer.fill("city", filling)
    assert city not in {writer.fill("city2", filling) for _ in range(200)}
