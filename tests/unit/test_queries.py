from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from app.answers import Health, Tone, VolumePoint
from app.bootstrap import Application
from app.judging import rule_selection
from app.quantifying import joined
from app.queries import Queries
from app.scope import Preset, Scope
from core.errors import EngineUnavailable, QueryError
from core.mention import Author, Channel, Enrichment, Mention, Sentiment, TopicTag
from core.questions import GroupField, Order
from core.rules import NegativeSpikeRule
from core.window import TimeWindow
from insights.trends import Direction
from tests.fakes import scenario
from tests.fakes.homes import fill_home, open_scenario
from tests.fakes.memory_index import MemoryIndex

ACME = Scope(topics=("Acme",))


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The scenario's month, read as the dashboard reads it."""
    application = open_scenario(fill_home(tmp_path_factory.mktemp("scenario")))
    yield application
    application.close()


@pytest.fixture
def queries(application: Application) -> Queries:
    """Questions about the scenario."""
    return Queries(application)


def _over(application: Application, mentions: list[Mention], **options: bool) -> Queries:
    """Return queries over other mentions, with the same configuration and state."""
    other = replace(application)
    other.__dict__["state"] = application.state
    other.__dict__["index"] = MemoryIndex(mentions, **options)
    return Queries(other)


def test_every_number_of_the_sentence_is_that_of_the_page_it_opens(queries: Queries) -> None:
    """Following a part of the sentence leads to exactly as many mentions as it told."""
    sentence = queries.overview(ACME).sentence
    linked = [part for part in sentence if part.scope is not None]
    assert len(linked) == 4
    for part in linked:
        assert part.scope is not None
        assert queries.search(part.scope).total == part.count


def test_the_sentence_tells_volume_burst_and_inbox(queries: Queries) -> None:
    """It says how much, how unusual, what bursts, how negative, and what waits."""
    sentence = queries.overview(ACME).sentence
    text = "".join(part.text for part in sentence)
    assert "mentions since yesterday, usual " in text
    assert "#latedelivery: " in text
    assert "times the usual since 13:" in text
    assert text.endswith("need an answer.")
    assert [part.tone for part in sentence if part.scope].count(Tone.ALARM) == 2


def test_a_burst_counts_what_the_scenario_put_there(queries: Queries) -> None:
    """The hashtag of the crisis is the first trend, new, and opens its own mentions."""
    top = queries.trends(ACME)[0]
    made = [m for m in scenario.mentions() if m.enrichment and m.enrichment.hashtags]
    assert (top.label, top.direction, top.is_new) == ("#latedelivery", Direction.RISING, True)
    assert top.observed == len(made)
    assert queries.count(top.scope) == top.observed


def test_a_trend_says_since_when_who_leads_and_what_is_usual(queries: Queries) -> None:
    """Beside its size: what would be usual, the first mention, an author, and examples of it."""
    top = queries.trends(ACME)[0]
    made = [m for m in scenario.mentions() if m.enrichment and m.enrichment.hashtags]
    assert top.low <= top.high < top.observed
    assert top.first_seen == min(mention.published_at for mention in made)
    names = {f"@{m.author.handle}" for m in made if m.author}
    assert top.leader in names
    assert 1 <= top.leader_count <= top.observed
    assert {mention.id for mention in top.examples} <= {mention.id for mention in made}
    assert not top.recurs


def test_numbers_of_the_overview_reconcile(queries: Queries) -> None:
    """The headline is the raw count: it opens as many mentions as it says, and so do its parts."""
    found = queries.overview(ACME)
    scope = replace(ACME, since=found.window.start, until=found.window.end)
    assert found.total == found.stats.mentions == queries.search(scope).total
    assert sum(point.count for point in found.volume) >= found.total
    for label, count in found.stats.sentiment.items():
        assert queries.count(replace(scope, sentiments=(Sentiment(label),))) == count
    assert queries.count(found.inbox_scope) == found.inbox
    total = sum(entry.share.count for entry in found.shares)
    for entry in found.shares:
        assert queries.count(entry.scope) == entry.share.count
        assert entry.share.share == pytest.approx(entry.share.count / total)


def test_measures_beside_volume(application: Application) -> None:
    """Engagement a follower, how fast the brand answers, and how its account grows."""
    asked = [m for m in scenario.mentions() if m.matched_topics == ("Acme",) and m.author][-40:]
    own = [
        one.model_copy(
            update={
                "id": f"own-{n}",
                "is_own": True,
                "parent_id": asked[n].id,
                "published_at": asked[n].published_at + timedelta(minutes=10 * (n + 1)),
                "author": Author(service="x", id="acme", handle="acme", followers=900 + n),
            }
        )
        for n, one in enumerate(asked[:3])
    ]
    thread = own[0].model_copy(update={"id": "own-9", "parent_id": "own-1"})
    queries = _over(application, [*asked, *own, thread])
    scope = Scope(topics=("Acme",), preset=Preset.MONTH)
    found = queries.overview(scope).measures
    assert found.response is not None
    assert (found.response.n, found.response.median) == (3, timedelta(minutes=20))
    assert [(one.name, one.growth.first, one.growth.last) for one in found.accounts] == [
        ("acme", 900, 902)
    ]
    known = [m for m in asked if m.engagement.total is not None and m.author.followers]  # type: ignore[union-attr]
    assert found.engagement is not None
    assert found.engagement.known == len(known)
    rate = found.engagement.rate
    assert rate.low <= rate.value <= rate.high
    assert found.sources == len({source for mention in asked for source in mention.sources})


def test_without_a_term_the_topic_itself_is_told(application: Application) -> None:
    """A crisis without a hashtag, link or copied text is told as the topic's own burst."""
    mute = {"hashtags": (), "story_id": None}
    mentions = [
        m.model_copy(update={"links": (), "enrichment": m.enrichment.model_copy(update=mute)})
        for m in scenario.mentions()
        if m.enrichment is not None
    ]
    queries = _over(application, mentions)
    sentence = queries.overview(Scope()).sentence
    (burst, negative) = [part for part in sentence if part.tone is Tone.ALARM]
    assert burst.text.startswith("Acme: ")
    for part in (burst, negative):
        assert part.scope is not None
        assert queries.count(part.scope) == part.count


def test_a_trending_link_opens_its_own_mentions(queries: Queries) -> None:
    """An address keeps its case and its query string on the way into the search and back."""
    (link,) = [row for row in queries.trends(ACME) if row.kind == "link"]
    assert link.label == "Status.example/Acme?parcels=1"
    assert queries.count(link.scope) == link.observed > 0


def _torn(application: Application) -> Queries:
    """Return queries over four mentions that praise Acme and damn Globex, two days ago."""
    at = scenario.NOW - timedelta(days=2)
    enrichment = Enrichment(
        content_version=(0, 1, ""),
        enriched_us=1,
        sentiment=Sentiment.NEUTRAL,
        topic_sentiment=("Acme|positive", "Globex|negative"),
    )
    tags = (TopicTag(name="Acme"), TopicTag(name="Globex"))
    torn = [
        Mention(
            id=f"torn{number}",
            text="love acme, hate globex",
            published_at=at,
            topics=tags,
            enrichment=enrichment,
        ).with_version(1)
        for number in range(4)
    ]
    return _over(application, torn)


def test_a_mention_that_praises_one_and_damns_another_counts_as_both(
    application: Application,
) -> None:
    """Each topic's share is that towards it, and opens exactly the mentions it counts."""
    queries = _torn(application)
    answer = queries.stats(Scope(preset=Preset.ALL))

    assert answer.all.sentiment == {"negative": 0, "neutral": 4, "positive": 0}
    assert answer.topics["Acme"].sentiment == {"negative": 0, "neutral": 0, "positive": 4}
    assert answer.topics["Globex"].sentiment == {"negative": 4, "neutral": 0, "positive": 0}
    for name, stats in answer.topics.items():
        for label, count in stats.sentiment.items():
            chosen = Scope(topics=(name,), preset=Preset.ALL, sentiments=(Sentiment(label),))
            assert queries.search(chosen).total == count


def test_the_overview_of_a_topic_tells_the_sentiment_towards_it(application: Application) -> None:
    """Total, chart and inbox read the same sentiment."""
    queries = _torn(application)
    found = queries.overview(Scope(topics=("Globex",), preset=Preset.WEEK))

    assert found.stats.net_sentiment is not None
    assert found.stats.net_sentiment.value == -1
    assert sum(point.counts["negative"] for point in found.sentiment) == 4
    assert sum(sum(point.counts.values()) for point in found.sentiment) == 4


def test_the_negative_share_opens_what_it_counts(queries: Queries) -> None:
    """The number leads to as many mentions; the correction is of the channels with a matrix."""
    found = queries.overview(Scope(preset=Preset.WEEK)).negative

    assert found is not None
    assert queries.search(found.scope).total == found.count
    assert found.counted.value == pytest.approx(found.count / found.counted.n)
    assert found.channels == ("social",)
    assert found.corrected is not None
    social = queries.stats(Scope(preset=Preset.WEEK, channels=(Channel.SOCIAL,))).all.sentiment
    assert found.corrected.n == sum(social.values())


def test_towards_one_topic_nothing_is_corrected(queries: Queries) -> None:
    """How the model errs towards topics was measured on no channel, so no number is made up."""
    found = queries.overview(replace(ACME, preset=Preset.WEEK)).negative

    assert found is not None
    assert found.corrected is None
    assert queries.search(found.scope).total == found.count


def test_a_channel_without_labelled_texts_has_no_correction(queries: Queries) -> None:
    """The card is of tweets; nobody has answered about news."""
    scope = Scope(preset=Preset.WEEK, channels=(Channel.NEWS,))
    found = queries.overview(scope).negative

    assert found is not None
    assert (found.corrected, found.channels) == (None, ())


def test_answers_about_a_channel_stand_before_the_card() -> None:
    """Enough of them, of every label, say more about this operator's mentions than tweets do."""
    card = ((50, 1, 1), (1, 50, 1), (1, 1, 50))
    plenty = ((20, 0, 0), (0, 20, 0), (0, 0, 20))
    few = ((20, 0, 0), (0, 19, 0), (0, 0, 20))

    assert joined(card, {"social": plenty, "news": few}) == {"social": plenty}
    assert joined(card, {"social": few, "forum": plenty}) == {"social": card, "forum": plenty}
    assert joined(None, {}) == {}


def test_a_rule_counts_what_is_negative_towards_its_topic(application: Application) -> None:
    """A mention that damns the rival is no bad word about us."""
    queries = _torn(application)
    for topic, count in (("Acme", 0), ("Globex", 4)):
        rule = NegativeSpikeRule(name="r", topic=topic)
        negative = rule_selection(rule, scenario.NOW, (Sentiment.NEGATIVE,))
        assert queries.index.count(negative) == count


def test_a_quiet_topic_has_no_burst(queries: Queries) -> None:
    """The rival's ordinary month holds nothing that stands out."""
    overview = queries.overview(Scope(topics=("Globex",)))
    assert overview.bursts == ()
    assert all(part.tone is not Tone.ALARM for part in overview.sentence)


def test_volume_shows_every_hour_with_what_was_expected(queries: Queries) -> None:
    """The chart's bars add up to the mentions, and lie over a band from before the window."""
    overview = queries.overview(ACME)
    inside = [p for p in overview.volume if p.window.start >= overview.window.start]
    assert sum(p.count for p in inside) <= overview.total <= sum(p.count for p in overview.volume)
    assert overview.usual is not None
    assert overview.total > overview.usual.high
    assert all(p.low is not None and p.high is not None for p in overview.volume)
    assert not overview.volume[-1].is_complete


def test_long_windows_are_shown_by_the_viewers_day(queries: Queries) -> None:
    """A month has a bar for each local day."""
    overview = queries.overview(Scope(preset=Preset.MONTH, zone="Europe/Berlin"))
    assert 30 <= len(overview.volume) <= 31
    assert {p.window.start.hour for p in overview.volume} == {23}
    assert len(overview.sentiment) == len(overview.volume)


def test_sentiment_points_add_up_to_what_was_scored(queries: Queries) -> None:
    """No scored mention is lost between the points of the line."""
    overview = queries.overview(ACME)
    counted = sum(sum(p.counts.values()) for p in overview.sentiment)
    scored = sum(overview.stats.sentiment.values())
    assert scored <= counted <= scored + 3
    assert overview.sentiment[-1].net is not None
    assert overview.sentiment[-1].net.value < 0


def test_share_of_voice_sums_to_one_over_the_group(queries: Queries) -> None:
    """Both brands share all mentions of the group, and each opens its own."""
    shares = queries.overview(ACME).shares
    assert [entry.share.name for entry in shares] == ["Acme", "Globex"]
    assert sum(entry.share.share for entry in shares) == pytest.approx(1)
    for entry in shares:
        assert queries.count(entry.scope) == entry.share.count


def test_worth_sharing_holds_articles_and_no_quarrel(queries: Queries) -> None:
    """Articles are offered; nothing that belongs to the crisis is."""
    worth = queries.overview(ACME).worth
    titles = {entry.mention.title for entry in worth}
    assert titles >= {title for title, _ in scenario.ARTICLES}
    assert all("#latedelivery" not in entry.mention.text for entry in worth)


def test_who_praises_all_the_time_is_not_worth_sharing(application: Application) -> None:
    """A friendly post is offered; the same from an account that posts nothing else is not."""
    long = "A very good week with my acme kettle, and a longer text than most people write about it"
    post = scenario.mentions()[-12].model_copy(update={"text": long})
    assert post.enrichment is not None
    praise = post.enrichment.model_copy(update={"sentiment": Sentiment.POSITIVE})
    one = post.model_copy(update={"enrichment": praise})
    many = [one.model_copy(update={"id": f"offer-{n}", "text": f"{long} {n}"}) for n in range(3)]
    assert len(_over(application, [one]).overview(Scope()).worth) == 1
    assert _over(application, many).overview(Scope()).worth == ()


def test_a_running_hour_above_the_usual_is_final() -> None:
    """More mentions cannot make it usual again; a running hour within the range still can."""
    hour = TimeWindow.before(scenario.NOW, timedelta(hours=1))
    assert VolumePoint(hour, 9, is_complete=False, high=5).is_final
    assert not VolumePoint(hour, 3, is_complete=False, high=5).is_final
    assert not VolumePoint(hour, 9, is_covered=False, high=5).is_final
    assert not VolumePoint(hour, 9, is_complete=False).is_final


def test_stats_keep_the_contract_of_the_command_line(queries: Queries) -> None:
    """All and each topic have mentions, stories, authors, sentiment and net sentiment."""
    data = queries.stats(Scope(preset=Preset.ALL)).as_data()
    assert data.keys() == {"all", "topics"}
    topics = data["topics"]
    assert isinstance(topics, dict)
    assert topics.keys() == {"Acme", "Globex"}
    for held in (data["all"], *topics.values()):
        assert isinstance(held, dict)
        assert held.keys() == {"mentions", "stories", "authors", "sentiment", "net_sentiment"}
        assert held["net_sentiment"].keys() == {"value", "low", "high", "n"}
        assert sum(held["sentiment"].values()) == held["mentions"]


def test_own_and_irrelevant_mentions_are_left_out_of_stats(application: Application) -> None:
    """The brand's own posts count only when they are asked for."""
    posts = scenario.mentions()[-8:]
    own = [m.model_copy(update={"is_own": True}) for m in posts[:3]]
    queries = _over(application, [*own, *posts[3:]])
    scope = Scope(preset=Preset.ALL)
    assert queries.stats(scope).all.mentions == 5
    assert queries.stats(replace(scope, include_own=True)).all.mentions == 8


def test_no_data_is_none_and_never_zero(application: Application) -> None:
    """Net sentiment of nothing has no value."""
    stats = _over(application, []).stats(Scope(preset=Preset.ALL)).all
    assert stats.net_sentiment is None
    assert stats.as_data()["net_sentiment"] == {"value": None, "low": None, "high": None, "n": 0}


def test_an_empty_store_has_an_overview_all_the_same(application: Application) -> None:
    """Before the first mention every part of the page is empty, and nothing fails."""
    overview = _over(application, []).overview(Scope())
    assert not overview.has_history
    assert overview.bursts == ()
    assert overview.shares == ()
    assert overview.sentence[0].text.startswith("No mentions since")


@pytest.mark.parametrize("preset", list(Preset))
def test_every_window_has_an_overview(queries: Queries, preset: Preset) -> None:
    """Each preset answers, and its sentence leads to the mentions it tells."""
    overview = queries.overview(Scope(preset=preset))
    first = overview.sentence[0]
    assert first.scope is not None
    assert queries.count(first.scope) == first.count


def test_search_highlights_the_topic_and_the_query(queries: Queries) -> None:
    """What the topic and the search look for is marked where it stands."""
    row = queries.search(Scope(topics=("Acme",), query="parcel", preset=Preset.WEEK)).rows[0]
    marked = {row.mention.text[start:end].casefold() for start, end in row.text_spans}
    assert marked == {"acme", "parcel"}


def test_search_pages_without_gap_or_repeat(queries: Queries) -> None:
    """Following the tokens brings every mention once, in order."""
    seen: list[str] = []
    token = None
    while True:
        page = queries.search(Scope(preset=Preset.WEEK), 50, token, Order.OLDEST)
        seen += [row.mention.id for row in page.rows]
        token = page.next_token
        if token is None:
            break
    assert len(seen) == len(set(seen)) == page.total


def test_a_reply_comes_with_what_it_answers(application: Application) -> None:
    """The parent is shown where it was collected, and is None where it was not."""
    parent, reply, orphan = scenario.mentions()[-5:-2]
    reply = reply.model_copy(update={"parent_id": parent.id})
    orphan = orphan.model_copy(update={"parent_id": "never seen"})
    rows = _over(application, [parent, reply, orphan]).search(Scope(preset=Preset.ALL)).rows
    parents = {row.mention.id: row.parent for row in rows}
    assert parents[reply.id] == parent
    assert parents[orphan.id] is None


def test_a_query_that_cannot_be_understood_names_its_column(queries: Queries) -> None:
    """The error is the query language's own."""
    with pytest.raises(QueryError):
        queries.search(Scope(query='"acme'))


def test_a_store_that_is_down_says_so(application: Application) -> None:
    """No question hides that the index cannot be reached."""
    queries = _over(application, [], is_down=True)
    with pytest.raises(EngineUnavailable):
        queries.overview(Scope())
    with pytest.raises(EngineUnavailable):
        queries.search(Scope())


def test_sources_say_how_they_do(queries: Queries) -> None:
    """Health, last success, reason and a week of hours come from the polls."""
    sources = {source.name: source for source in queries.sources()}
    assert sources["Fediverse"].health is Health.WELL
    failing = sources["City feed"]
    assert failing.health is Health.FAILING
    assert failing.reason == "answered 503 Service Unavailable"
    assert failing.last_success is not None
    assert failing.last_poll is not None
    assert failing.last_success < failing.last_poll
    assert all(len(source.hours) == 168 for source in sources.values())
    assert sum(hour is None for hour in sources["Hacker News"].hours) >= 12


def test_a_source_that_is_not_polled_any_more_is_late(application: Application) -> None:
    """A success that is long past counts as late, not as well."""
    other = replace(application, clock=lambda: scenario.NOW + timedelta(hours=2))
    other.__dict__.update(state=application.state, index=application.index)
    health = {source.name: source.health for source in Queries(other).sources()}
    assert health["Fediverse"] is Health.LATE


def test_hours_of_failure_are_poorly_covered(queries: Queries) -> None:
    """An hour in which a source failed counts in part, and one without any poll counts in full."""
    day = TimeWindow.before(scenario.NOW, timedelta(days=1))
    covered = queries.counts.coverage(day, timedelta(hours=1))
    assert min(covered.values()) == pytest.approx(2 / 3)
    assert max(covered.values()) == 1


def test_rules_show_their_verdict_and_open_incident(queries: Queries) -> None:
    """A rule with enough history judges; one with an open incident says so."""
    volume, negative = queries.rules()
    assert volume.is_open
    assert volume.learning is None
    assert volume.verdict is not None
    assert volume.verdict.is_alert
    assert not negative.is_open
    assert negative.verdict is not None
    assert negative.verdict.scored is not None


def test_a_young_rule_is_learning(application: Application) -> None:
    """With three days of history a rule says how far it is and from what it fires until then."""
    start = scenario.NOW - timedelta(days=3)
    young = [m for m in scenario.mentions() if start <= m.published_at]
    rule = _over(application, young).rules()[0]
    assert rule.learning is not None
    assert 1 < rule.learning.day < rule.learning.days
    assert rule.learning.threshold is not None
    assert rule.learning.threshold >= 1


def test_a_rule_without_any_mention_waits(application: Application) -> None:
    """Before the first mention there is no verdict."""
    assert _over(application, []).rules()[0].verdict is None


def test_open_incidents_come_first(application: Application) -> None:
    """What lasts stands above what is over, however new."""
    queries = Queries(application)
    opened = scenario.incident()
    resolved = opened.model_copy(
        update={
            "id": "incident-2",
            "opened_at": scenario.NOW,
            "resolved_at": scenario.NOW,
            "rule": "Acme: negative",
        }
    )
    application.state.save_incident(resolved)
    assert [incident.id for incident in queries.incidents()] == ["incident-1", "incident-2"]


def test_an_incident_opens_its_mentions_and_its_chart(queries: Queries) -> None:
    """The link holds the topic's mentions since it began; the chart shows the day before too."""
    incident = scenario.incident()
    scope = queries.incident_scope(incident)
    assert scope.since == incident.first.started_at
    points = queries.incident_volume(incident, "UTC")
    assert points[0].window.start <= incident.first.started_at - timedelta(hours=23)
    after = sum(p.count for p in points if p.window.start >= incident.first.started_at)
    assert after == queries.count(scope)


def test_filters_offer_what_is_stored(queries: Queries) -> None:
    """Known values come from the mentions themselves."""
    assert queries.known_values(Scope(), GroupField.LANGUAGE) == ["en"]
    assert set(queries.known_values(Scope(), GroupField.SENTIMENT)) == {s.value for s in Sentiment}
