"""What every index promises: one suite over the embedded one and Elasticsearch."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.fields import FIELDS
from core.mention import (
    CANARY_SERVICE,
    Author,
    Channel,
    Engagement,
    Entity,
    Mention,
    Sentiment,
    Status,
    TopicTag,
)
from core.merge import join_all
from core.ports import Applied, Index
from core.query.ast import And, Everything, FieldIs, Near, Node, Not, Or, Phrase, Wildcard, Word
from core.query.evaluate import matches
from core.questions import (
    BucketCount,
    GroupField,
    Order,
    Selection,
    ValueCount,
    View,
)
from core.window import TimeWindow, bucket_start
from index.elasticsearch_index import ElasticsearchIndex
from index.elasticsearch_mapping import index_name
from index.embedded import EmbeddedIndex
from tests.contract.mentions import (
    NOW,
    START,
    corrected,
    enriched,
    fragments,
    mention,
    queries,
    wholes,
)

HOUR = timedelta(hours=1)
MONTH = TimeWindow(START, START + timedelta(days=30))
ENGINES = ["embedded", pytest.param("elasticsearch", marks=pytest.mark.servers)]


@pytest.fixture(params=ENGINES)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    """Return an empty index."""
    if request.param == "embedded":
        embedded = EmbeddedIndex(tmp_path / "index")
        embedded.setup()
        yield embedded
        embedded.close()
        return
    url = request.getfixturevalue("elasticsearch_url")
    remote = ElasticsearchIndex(url, f"test-{uuid.uuid4().hex}")
    remote.setup()
    yield remote
    remote._client.indices.delete(index=index_name(remote._name))
    remote.close()


def put(index: Index, *mentions: Mention, now: datetime = NOW) -> list[Applied]:
    """Apply and make visible; return the statuses."""
    outcomes = index.apply(mentions, now)
    index.refresh()
    assert [outcome.id for outcome in outcomes] == [m.id for m in mentions]
    return [outcome.status for outcome in outcomes]


def found(index: Index, query: Node) -> list[str]:
    """Return the ids that a query finds, sorted."""
    page = index.page(Selection(query=query), 1000)
    assert page.total == len(page.mentions)
    return sorted(m.id for m in page.mentions)


# --- writing -----------------------------------------------------------------------------------


def test_what_was_applied_can_be_read_at_once(index: Index) -> None:
    """A stored mention comes back whole, with the time it became known, without refresh."""
    given_mention = mention("a", "Ünïcode 🙂 text", title="t", author=Author(service="w", id="1"))
    outcomes = index.apply([given_mention], NOW)
    assert [outcome.status for outcome in outcomes] == [Applied.CREATED]
    assert index.get(["a", "unknown"]) == {"a": given_mention.model_copy(update={"known_at": NOW})}


def test_applying_again_changes_nothing(index: Index) -> None:
    """The same fragment a second time is unchanged, also later and in the same batch."""
    one = mention("a")
    assert put(index, one, one) == [Applied.CREATED, Applied.UNCHANGED]
    assert put(index, one, now=NOW + HOUR) == [Applied.UNCHANGED]
    assert index.get(["a"])["a"].known_at == NOW
    assert index.size() == 1


def test_fragments_of_one_id_are_joined_in_a_batch_and_across_batches(index: Index) -> None:
    """Enrichment, correction and content of one mention end in one state, whatever the order."""
    one = mention("a")
    assert put(index, corrected("a", irrelevant=True), one) == [Applied.CREATED, Applied.UPDATED]
    assert put(index, enriched(one, sentiment=Sentiment.NEGATIVE)) == [Applied.UPDATED]
    state = index.get(["a"])["a"]
    assert state.is_irrelevant
    assert state.sentiment is Sentiment.NEGATIVE
    assert state.text == one.text


def test_a_state_without_content_is_kept_but_not_seen(index: Index) -> None:
    """Parts that arrive before their mention wait for it, invisible to questions."""
    put(index, corrected("ghost", status=Status.DONE))
    assert index.size() == 0
    assert index.count(Selection(include_irrelevant=True, include_own=True)) == 0
    assert found(index, Not(Word("acme"))) == []
    assert index.known(["ghost"]) == {}
    assert list(index.get(["ghost"])) == ["ghost"]
    later = NOW + HOUR
    put(index, mention("ghost"), now=later)
    state = index.known(["ghost"])["ghost"]
    assert state.status is Status.DONE
    assert state.known_at == later
    assert index.size() == 1


def test_an_erased_mention_is_gone_for_good(index: Index) -> None:
    """Erasing leaves an empty tombstone that content cannot bring back."""
    put(index, mention("a"), mention("b"))
    assert put(index, Mention(id="a", erased=True)) == [Applied.UPDATED]
    assert put(index, mention("a", "new text", observed_us=9_000_000)) == [Applied.UNCHANGED]
    assert index.known(["a"]) == {"a": Mention(id="a", erased=True)}
    assert found(index, Everything()) == ["b"]
    assert index.size() == 1


def test_newer_content_replaces_older_in_every_answer(index: Index) -> None:
    """After an edit only the new text is found, once."""
    put(index, mention("a", "old words"))
    put(index, mention("a", "new words", observed_us=2_000_000))
    assert found(index, Word("old")) == []
    assert found(index, Word("new")) == ["a"]
    assert index.size() == 1


def test_a_fragment_that_cannot_be_stored_does_not_stop_the_others(index: Index) -> None:
    """An unusable id or a lone surrogate is rejected with its reason; the rest is stored."""
    broken = Mention(id="c", sources=("\ud800",)).with_version(5)
    batch = [mention("a"), mention(""), mention("x" * 600), broken, mention("b")]
    outcomes = index.apply(batch, NOW)
    assert [outcome.status for outcome in outcomes] == [
        Applied.CREATED, Applied.REJECTED, Applied.REJECTED, Applied.REJECTED, Applied.CREATED
    ]  # fmt: skip
    assert all(o.reason for o in outcomes if o.status is Applied.REJECTED)
    assert sorted(index.get(["a", "b", "c"])) == ["a", "b"]


def test_extreme_mentions_are_stored(index: Index) -> None:
    """A huge text, address, number and the ends of the calendar are kept whole."""
    url = "https://example.com/" + "é" * 40_000
    first = mention("first", "word " * 200_000, url=url, published_at=datetime(1, 1, 1, tzinfo=UTC))
    last = mention(
        "last",
        "x" * 500_000,
        published_at=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
        engagement=Engagement(reactions=10**30, observed_us=1),
    )
    assert put(index, first, last) == [Applied.CREATED] * 2
    page = index.page(Selection(), 5, Order.OLDEST)
    assert [m.id for m in page.mentions] == ["first", "last"]
    assert page.mentions[0].url == url
    assert page.mentions[1].engagement.reactions == 10**30


def test_many_ids_are_read_in_one_call(index: Index) -> None:
    """More ids than one request takes are all found, and no answer is doubled."""
    many = [mention(f"m{i:05}") for i in range(2_500)]
    put(index, *many)
    assert len(index.known([m.id for m in many] * 2)) == 2_500
    assert index.known([]) == {}


# --- selecting ---------------------------------------------------------------------------------


def test_own_and_irrelevant_mentions_are_left_out_unless_asked_for(index: Index) -> None:
    """Each of the two is brought back by its own switch."""
    put(
        index,
        mention("plain"),
        mention("own", is_own=True),
        mention("off"),
        corrected("off", irrelevant=True),
    )
    both = Selection(include_own=True, include_irrelevant=True)
    assert index.count(Selection()) == 1
    assert index.count(Selection(include_own=True)) == 2
    assert index.count(Selection(include_irrelevant=True)) == 2
    assert index.count(both) == 3
    assert [m.id for m in index.page(Selection(), 5).mentions] == ["plain"]


def test_a_canary_is_found_by_its_id_alone(index: Index) -> None:
    """What Groundswell sends itself no question counts, whatever is asked for."""
    put(index, mention("canary", service=CANARY_SERVICE), mention("real"))
    everything = Selection(include_own=True, include_irrelevant=True)
    assert index.known(["canary"])["canary"].is_canary
    assert index.size() == index.count(everything) == index.count(Selection()) == 1
    assert [m.id for m in index.scan(everything)] == ["real"]
    assert [m.id for m in index.page(everything, 5).mentions] == ["real"]
    assert index.top(everything, GroupField.SERVICE, 5) == [ValueCount("web", 1)]


def test_a_window_is_half_open_and_reads_the_time_of_its_view(index: Index) -> None:
    """History reads publication, live reads when the mention became known."""
    put(index, mention("start"), mention("end", minutes=60), now=NOW)
    window = TimeWindow(START, START + HOUR)
    assert index.count(Selection(window=window)) == 1
    assert index.count(Selection(window=window, view=View.LIVE)) == 0
    live = TimeWindow(NOW, NOW + timedelta(seconds=1))
    assert index.count(Selection(window=live, view=View.LIVE)) == 2
    assert index.count(Selection(window=TimeWindow(START, START))) == 0


def test_topics_restrict_by_name_as_spelt_and_only_where_the_query_held(index: Index) -> None:
    """A verdict of no match does not count, and any of several topics does."""
    put(
        index,
        mention("a", topics=(TopicTag(name="Acme"),)),
        mention("b", topics=(TopicTag(name="Beta"), TopicTag(name="Acme", matched=False))),
        mention("c"),
    )
    assert index.count(Selection(topics=("Acme",))) == 1
    assert index.count(Selection(topics=("Acme", "Beta"))) == 2
    assert index.count(Selection(topics=("Other",))) == 0
    assert index.top(Selection(), GroupField.TOPIC, 5) == [
        ValueCount("Acme", 1), ValueCount("Beta", 1)
    ]  # fmt: skip


TRAPS: list[tuple[str, Node, list[str]]] = [
    ("only exclusions", Not(Word("acme")), ["cafe"]),
    ("all of exclusions", And((Not(Word("acme")), Not(Word("cafe")))), []),
    ("nothing of nothing", Or(()), []),
    ("phrase in one field", Phrase(("title", "acme")), []),
    ("order matters", Phrase(("corp", "acme")), []),
    ("swapped by slop", Phrase(("corp", "acme"), slop=2), ["corp"]),
    ("repeated word", Phrase(("acme", "acme"), slop=3), ["twice"]),
    ("near, either order", Near((("refund",),), (("acme", "corp"),), 2), ["corp"]),
    ("near, too far", Near((("refund",),), (("acme", "corp"),), 1), []),
    ("near itself", Near((("acme",),), (("acme",),), 5), ["twice"]),
    ("case kept", Word("Acme", is_cased=True), ["corp"]),
    ("accents folded", Word("cafe"), ["cafe"]),
    ("pattern is literal", Wildcard("a.me"), []),
    ("pattern of one letter", Wildcard("acm?"), ["corp", "twice"]),
    ("flag", FieldIs("own", "false"), ["cafe", "corp", "twice"]),
]


@pytest.mark.parametrize(("query", "expected"), [t[1:] for t in TRAPS], ids=[t[0] for t in TRAPS])
def test_queries_mean_what_the_language_says(
    index: Index, query: Node, expected: list[str]
) -> None:
    """Where the engines' own meanings differ, ours holds."""
    put(
        index,
        mention("corp", "Acme Corp owes me refund", title="A title"),
        mention("twice", "acme, no, acme"),
        mention("cafe", "le CAFÉ"),
    )
    assert found(index, query) == expected


def test_large_queries_are_answered(index: Index) -> None:
    """Thousands of words, rows of NOTs and long patterns are no more than long."""
    put(index, mention("a", "xa12345678 acme"), mention("b", "beta"))
    many = [Word(f"w{i}") for i in range(5_000)]
    assert found(index, Or((*many, Word("acme")))) == ["a"]
    negated: Node = Word("acme")
    for _ in range(50):
        negated = Not(negated)
    assert found(index, negated) == ["a"]
    assert found(index, Not(negated)) == ["b"]
    assert found(index, Wildcard("*a????????")) == ["a"]
    assert found(index, Wildcard("?" * 100)) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_an_index_finds_what_the_evaluator_matches(index: Index, data: st.DataObject) -> None:
    """Random queries over random mentions: the index and the in-memory evaluator agree."""
    prefix = uuid.uuid4().hex
    given_mentions = [data.draw(wholes(f"{prefix}-{i}")) for i in range(6)]
    put(index, *given_mentions)
    states = index.get([m.id for m in given_mentions])
    ours = Or(tuple(FieldIs("id", key) for key in states))
    everything = Selection(include_own=True, include_irrelevant=True)
    for query in data.draw(st.lists(queries, min_size=8, max_size=16)):
        asked = replace(everything, query=And((ours, query)))
        got = sorted(m.id for m in index.page(asked, 100).mentions)
        wanted = sorted(key for key, state in states.items() if matches(query, state))
        assert got == wanted, (query, [states[k] for k in {*got} ^ {*wanted}])
        assert index.count(asked) == len(wanted)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_fragments_may_come_in_any_order_and_number(index: Index, data: st.DataObject) -> None:
    """Permuted, doubled and split into any batches, fragments end in the same stored states."""
    prefix = uuid.uuid4().hex
    keys = ["x", "y"]
    pool = [data.draw(fragments(data.draw(st.sampled_from(keys)))) for _ in range(6)]
    shuffled = data.draw(st.permutations([*pool, *data.draw(st.lists(st.sampled_from(pool)))]))
    cut = data.draw(st.integers(0, len(shuffled)))

    def renamed(batch: list[Mention], run: str) -> list[Mention]:
        return [m.model_copy(update={"id": f"{prefix}-{run}-{m.id}"}) for m in batch]

    index.apply(renamed(pool, "first"), NOW)
    index.apply(renamed(shuffled[:cut], "second"), NOW)
    index.apply(renamed(shuffled[cut:], "second"), NOW)

    def stored(run: str) -> dict[str, Mention]:
        states = index.get([f"{prefix}-{run}-{key}" for key in keys])
        return {k[-1]: m.model_copy(update={"id": k[-1]}) for k, m in states.items()}

    assert stored("first") == stored("second")
    blank = [Mention(id=m.id) for m in pool]
    expected = join_all([*blank, *pool])
    for key, state in stored("first").items():
        assert state.model_copy(update={"known_at": None}) == expected[key]


# --- counting ----------------------------------------------------------------------------------


def spread(count: int) -> list[Mention]:
    """Return mentions all over a month, with values of every kind, some without."""
    chance = random.Random(7)
    made = []
    for i in range(count):
        one = mention(
            f"{chance.getrandbits(64):016x}",
            minutes=chance.randrange(30 * 24 * 60),
            channel=chance.choice(list(Channel)),
            author=Author(service="web", id=f"a{chance.randrange(40)}") if i % 5 else None,
            topics=tuple(TopicTag(name=n) for n in ("Acme", "Beta") if chance.random() < 0.5),
            links=tuple(f"https://x{chance.randrange(9)}.example.com/" for _ in range(i % 3)),
            engagement=Engagement(reactions=chance.choice([None, 0, 1, 50]), observed_us=1),
        )
        found_entities = (Entity(text=f"E{i % 7}", label="ORG", start=0, end=1),) if i % 2 else ()
        made.append(one)
        made.append(
            enriched(
                one,
                sentiment=chance.choice([None, *Sentiment]),
                hashtags=tuple({f"t{chance.randrange(5)}" for _ in range(2)}),
                entities=found_entities,
                story_id=f"s{i // 3}",
            )
        )
    return made


def values_of(one: Mention, field: GroupField) -> set[str]:
    """Return what a mention is counted under."""
    if field is GroupField.TOPIC:
        return set(one.matched_topics)
    return {str(value) for value in FIELDS[field.value].read(one)}


@pytest.fixture
def filled(index: Index) -> tuple[Index, list[Mention]]:
    """Return an index with a month of mentions, and these as stored."""
    given_mentions = spread(600)
    put(index, *given_mentions)
    return index, list(index.get([m.id for m in given_mentions]).values())


def test_counts_by_bucket_and_value_are_exact(filled: tuple[Index, list[Mention]]) -> None:
    """Every field, several steps: the same numbers as counted by hand, in order."""
    index, states = filled
    window = TimeWindow(START + timedelta(hours=5, minutes=7), START + timedelta(days=20))
    inside = [m for m in states if m.published_at in window]
    for step in (timedelta(seconds=0.5), timedelta(minutes=15), HOUR, timedelta(days=1)):
        plain = Counter(bucket_start(m.published_at, step) for m in inside)
        wanted = [BucketCount(at, None, n) for at, n in sorted(plain.items())]
        assert index.buckets(Selection(window=window), step) == wanted
    for field in GroupField:
        by = Counter(
            (bucket_start(m.published_at, HOUR), value)
            for m in inside
            for value in values_of(m, field)
        )
        wanted = [BucketCount(at, value, n) for (at, value), n in sorted(by.items())]
        assert index.buckets(Selection(window=window), HOUR, field) == wanted, field


def test_top_values_are_exact_and_settle_ties_by_value(
    filled: tuple[Index, list[Mention]],
) -> None:
    """The most frequent values of every field, as counted by hand."""
    index, states = filled
    for field in GroupField:
        counted = Counter(value for m in states for value in values_of(m, field))
        ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        for size in (1, 7, 20_000):
            wanted = [ValueCount(value, n) for value, n in ranked[:size]]
            assert index.top(Selection(), field, size) == wanted, field
        assert index.distinct(Selection(), field) == pytest.approx(len(counted), rel=0.05)


def test_counts_need_a_window_and_a_fitting_step(index: Index) -> None:
    """A question that has no answer is refused, not guessed."""
    with pytest.raises(ValueError, match="window"):
        index.buckets(Selection(), HOUR)
    with pytest.raises(ValueError, match="bucket"):
        index.buckets(Selection(window=MONTH), timedelta(minutes=7))
    with pytest.raises(ValueError, match="1 or more"):
        index.top(Selection(), GroupField.TOPIC, 0)


def test_an_empty_index_answers_with_nothing(index: Index) -> None:
    """No question fails for want of mentions."""
    everything = Selection(window=MONTH)
    assert index.count(everything) == index.size() == 0
    assert index.buckets(everything, HOUR, GroupField.SENTIMENT) == []
    assert index.top(everything, GroupField.AUTHOR, 5) == []
    assert index.distinct(everything, GroupField.AUTHOR) == 0
    page = index.page(everything, 10)
    assert (page.total, page.mentions, page.next_token) == (0, (), None)
    assert list(index.scan(everything)) == []
    assert index.apply([], NOW) == []


# --- pages -------------------------------------------------------------------------------------


def sort_key(order: Order, one: Mention) -> tuple[float, str]:
    """Return what an order sorts by; unknown numbers last."""
    at = one.published_at.timestamp()
    number = {
        Order.NEWEST: -at,
        Order.OLDEST: at,
        Order.ENGAGEMENT: -(-1 if one.engagement.total is None else one.engagement.total),
        Order.FOLLOWERS: 1,
    }[order]
    return number, one.id


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("size", [7, 600])
def test_pages_walk_through_everything_in_order(
    filled: tuple[Index, list[Mention]], order: Order, size: int
) -> None:
    """Page after page gives every mention once, in the asked order, with ties by id."""
    index, states = filled
    walked: list[Mention] = []
    token = None
    while True:
        page = index.page(Selection(), size, order, token)
        assert page.total == len(states)
        walked += page.mentions
        token = page.next_token
        if token is None:
            break
        assert len(page.mentions) == size
    wanted = sorted(states, key=lambda m: sort_key(order, m))
    assert [m.id for m in walked] == [m.id for m in wanted]
    assert walked[0] in states


def test_a_page_goes_on_where_it_ended_when_mentions_arrive(index: Index) -> None:
    """What is published meanwhile neither repeats nor hides anything older."""
    put(index, *[mention(f"m{i}", minutes=i) for i in range(10)])
    first = index.page(Selection(), 4)
    put(index, *[mention(f"n{i}", minutes=20 + i) for i in range(5)])
    second = index.page(Selection(), 10, token=first.next_token)
    assert [m.id for m in first.mentions] == ["m9", "m8", "m7", "m6"]
    assert [m.id for m in second.mentions] == ["m5", "m4", "m3", "m2", "m1", "m0"]


def test_a_foreign_token_is_refused(index: Index) -> None:
    """Nonsense, and a token of another order, are errors and not the first page."""
    put(index, *[mention(f"m{i}") for i in range(3)])
    token = index.page(Selection(), 1).next_token
    with pytest.raises(ValueError, match="token"):
        index.page(Selection(), 1, Order.OLDEST, token)
    with pytest.raises(ValueError, match="token"):
        index.page(Selection(), 1, token="nonsense")


def test_a_scan_yields_every_mention_once_as_of_its_beginning(index: Index) -> None:
    """What is written during a scan does not change it."""
    put(index, *[mention(f"m{i}") for i in range(2_100)], mention("own", is_own=True))
    scan = index.scan(Selection())
    first = next(scan)
    put(index, *[mention(f"late{i}") for i in range(50)])
    keys = [first.id, *[m.id for m in scan]]
    assert sorted(keys) == sorted(f"m{i}" for i in range(2_100))


def test_setup_may_be_called_at_every_start(index: Index) -> None:
    """A second setup keeps what is stored."""
    put(index, mention("a"))
    index.setup()
    assert index.size() == 1
