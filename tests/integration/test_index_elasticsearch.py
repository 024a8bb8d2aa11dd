"""Elasticsearch as the index: many writers, a node that dies, and refusals."""

import http.server
import json
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from elasticsearch import Elasticsearch

from core.errors import ConfigurationError, EngineUnavailable, FatalError, GroundswellError
from core.mention import Author, Mention
from core.merge import join_all
from core.ports import Applied
from core.query.ast import Word
from core.questions import BucketCount, GroupField, Selection
from core.window import TimeWindow
from index.elasticsearch_index import ElasticsearchIndex
from index.elasticsearch_mapping import index_mapping, index_name, source_of
from tests.contract.mentions import NOW, START, corrected, mention
from tests.servers.elasticsearch import ElasticsearchNode
from tests.servers.ports import find_free_port


@pytest.fixture
def name(elasticsearch_url: str) -> Iterator[str]:
    """Return the name of an index that is dropped afterwards."""
    chosen = f"test-{uuid.uuid4().hex}"
    yield chosen
    with Elasticsearch(elasticsearch_url) as client:
        client.indices.delete(index=index_name(chosen), ignore_unavailable=True)


@pytest.mark.servers
def test_many_writers_at_once_lose_nothing(elasticsearch_url: str, name: str) -> None:
    """Four writers with parts of the same mentions end with the join of all parts."""
    parts = [
        [
            *(mention(f"m{i:02}", f"edit {w}", observed_us=w + 1) for i in range(40)),
            *(corrected(f"m{i:02}", at_us=w, irrelevant=w % 2 == 0) for i in range(40)),
            *(Mention(id=f"m{i:02}", sources=(f"s{w}",)) for i in range(40)),
        ]
        for w in range(4)
    ]
    indices = [ElasticsearchIndex(elasticsearch_url, name) for _ in parts]

    def write(index: ElasticsearchIndex, batch: list[Mention]) -> None:
        index.setup()
        for start in range(0, len(batch), 15):
            index.apply(batch[start : start + 15], NOW)

    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(write, indices, parts))
    wanted = join_all([fragment for batch in parts for fragment in batch])
    stored = indices[0].get(list(wanted))
    for key, state in wanted.items():
        assert stored[key].model_copy(update={"known_at": None}) == state
    for index in indices:
        index.close()


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_node_keeps_what_it_confirmed(elasticsearch_node: ElasticsearchNode) -> None:
    """Confirmed batches survive kill -9; while the node is down calls say so; then work goes on."""
    index = ElasticsearchIndex(elasticsearch_node.url, "crash")
    index.setup()
    confirmed: list[str] = []
    stop = threading.Event()
    unavailable: list[EngineUnavailable] = []

    def write() -> None:
        for batch in range(10_000):
            keys = [f"{batch:04}-{i}" for i in range(50)]
            try:
                index.apply([mention(key) for key in keys], NOW)
            except EngineUnavailable as err:
                unavailable.append(err)
                return
            confirmed.extend(keys)
            if len(confirmed) == 500:
                stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert stop.wait(60)
    elasticsearch_node.kill9()
    writer.join(60)
    assert unavailable
    with pytest.raises(EngineUnavailable, match=r"cannot be reached|not ready"):
        index.count(Selection())
    elasticsearch_node.start()
    index.setup()
    assert sorted(index.known(confirmed)) == sorted(confirmed)
    index.refresh()
    ids = [m.id for m in index.scan(Selection())]
    assert len(ids) == len(set(ids)) == index.size() >= len(confirmed)
    index.close()


@pytest.mark.servers
def test_a_mention_that_the_engine_refuses_does_not_stop_the_others(
    elasticsearch_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document that does not fit the strict mapping is rejected with the engine's reason."""

    def misspelt(state: Mention) -> dict[str, object]:
        source = source_of(state)
        return {**source, "txet": "?"} if state.id == "b" else source

    monkeypatch.setattr("index.elasticsearch_writing.source_of", misspelt)
    index = ElasticsearchIndex(elasticsearch_url, name)
    index.setup()
    outcomes = index.apply([mention("a"), mention("b"), mention("c")], NOW)
    assert [o.status for o in outcomes] == [Applied.CREATED, Applied.REJECTED, Applied.CREATED]
    assert "txet" in (outcomes[1].reason or "")
    assert sorted(index.get(["a", "b", "c"])) == ["a", "c"]
    index.close()


@pytest.mark.servers
@pytest.mark.parametrize("nested", [1, 8, 1_000_000])
def test_counts_are_the_same_however_they_are_asked_for(
    elasticsearch_url: str, name: str, monkeypatch: pytest.MonkeyPatch, nested: int
) -> None:
    """Nested or in pages, with few or many values a bucket, the numbers are the same."""
    monkeypatch.setattr("index.elasticsearch_index.MIN_NESTED_VALUES", nested)
    monkeypatch.setattr("index.elasticsearch_index.MAX_BUCKETS", 30)
    monkeypatch.setattr("index.elasticsearch_index.MAX_LISTED", 7)
    index = ElasticsearchIndex(elasticsearch_url, name)
    index.setup()
    hour = timedelta(hours=1)
    authors = [Author(service="w", id=f"{i % 23:02}") for i in range(60)]
    index.apply([mention(f"m{i}", minutes=2 * i, author=a) for i, a in enumerate(authors)], NOW)
    index.refresh()
    window = Selection(window=TimeWindow(START, START + 2 * hour))
    wanted = Counter((START + i // 30 * hour, f"w:{i % 23:02}") for i in range(60))
    assert index.buckets(window, hour, GroupField.AUTHOR) == [
        BucketCount(start, value, count) for (start, value), count in sorted(wanted.items())
    ]
    assert index.buckets(window, hour / 60) == [
        BucketCount(START + i * hour / 30, None, 1) for i in range(60)
    ]
    assert len(index.top(Selection(), GroupField.AUTHOR, 20)) == 20
    index.close()


@pytest.mark.servers
def test_the_cluster_keeps_the_mapping_as_declared(elasticsearch_url: str, name: str) -> None:
    """Nothing is dropped, added or renamed between our mapping and the cluster's."""
    index = ElasticsearchIndex(elasticsearch_url, name)
    index.setup()
    with Elasticsearch(elasticsearch_url) as client:
        kept = client.indices.get_mapping(index=name)[index_name(name)]["mappings"]
    declared = index_mapping()
    assert kept["dynamic"] == declared["dynamic"]
    assert set(kept["properties"]) == set(declared["properties"])
    types = {key: value["type"] for key, value in kept["properties"].items()}
    assert types == {key: value["type"] for key, value in declared["properties"].items()}
    index.close()


@pytest.mark.servers
def test_an_index_of_another_layout_is_refused(elasticsearch_url: str, name: str) -> None:
    """An alias to an index that another version made is not written into."""
    with Elasticsearch(elasticsearch_url) as client:
        client.indices.create(
            index=index_name(name), aliases={name: {}}, mappings={"_meta": {"layout": 0}}
        )
    index = ElasticsearchIndex(elasticsearch_url, name)
    with pytest.raises(FatalError, match="version 0"):
        index.setup()
    index.close()


@pytest.mark.servers
def test_questions_before_setup_say_that_there_is_no_index(elasticsearch_url: str) -> None:
    """An index that was never made is an error, not zero mentions; writing waits for it."""
    index = ElasticsearchIndex(elasticsearch_url, f"test-{uuid.uuid4().hex}")
    with pytest.raises(GroundswellError, match="no such index"):
        index.count(Selection())
    with pytest.raises(EngineUnavailable):
        index.apply([mention("a")], NOW)
    index.close()


def test_a_cluster_that_cannot_be_reached_is_unavailable() -> None:
    """Nobody listens: every call says where it tried."""
    url = f"http://127.0.0.1:{find_free_port()}"
    index = ElasticsearchIndex(url, "mentions")
    for call in (
        index.setup,
        index.size,
        index.refresh,
        lambda: index.apply([mention("a")], NOW),
        lambda: index.get(["a"]),
        lambda: index.page(Selection(query=Word("a")), 5),
        lambda: list(index.scan(Selection())),
    ):
        with pytest.raises(EngineUnavailable, match=url):
            call()
    index.close()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (429, EngineUnavailable),
        (500, EngineUnavailable),
        (503, EngineUnavailable),
        (401, ConfigurationError),
        (403, ConfigurationError),
        (400, GroundswellError),
    ],
)
def test_refusals_are_told_apart(status: int, expected: type[Exception]) -> None:
    """Busy and broken clusters are tried again, closed ones are a matter of configuration."""

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps({"error": {"type": "x_exception", "reason": "because"}}).encode()
            self.send_response(status)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        index = ElasticsearchIndex(f"http://127.0.0.1:{server.server_port}", "mentions")
        with pytest.raises(expected, match="x_exception: because") as caught:
            index.count(Selection())
        assert type(caught.value) is expected
        index.close()
        server.shutdown()
        thread.join()


def test_an_address_that_is_none_is_a_configuration_error() -> None:
    """The file and key to mend are named."""
    with pytest.raises(ConfigurationError, match=r"settings\.yml: index\.url"):
        ElasticsearchIndex("nonsense", "mentions")
