"""Measure sentence vectors and themes against TF-IDF, on public news and tweets, in one run.

Three comparisons, each with its speed by processor time on one thread:

* the taxonomy: our bundled model against a TF-IDF classifier (words and pairs, logistic regression)
  that is trained on the same news; both are scored by five-fold cross-validation;
* discovery: our themes against mini-batch k-means over TF-IDF with as many clusters, by purity
  and by normalised mutual information with the classes of the news;
* vectors alone: texts a second.

    python -m bench.themes [--texts 20000]
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np

from core.mention import Enrichment, Mention
from core.themes import DEFAULT_THEMES
from nlp.phrases import key_phrases
from nlp.themes.discovery import ThemeDiscoverer
from nlp.themes.evaluation import evaluate_themes
from nlp.themes.mapping import Labelled, read_labelled_themes
from nlp.themes.taxonomy import ThemeFinder
from nlp.vectors import load_vectors

NEWS = "themes/ag_news_half.tsv"
TWEETS = "themes/tweet_topics_en_validation.jsonl"
START = datetime(2026, 6, 1, tzinfo=UTC)
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return what ``work`` gives and the processor seconds it took."""
    started = time.process_time()
    return work(), time.process_time() - started


def as_mentions(rows: Sequence[Labelled]) -> list[Mention]:
    """Return the texts as enriched mentions, a minute apart."""
    name = load_vectors().name
    found = []
    for place, row in enumerate(rows):
        bare = Mention(
            id=f"m{place}", text=row.text, published_at=START + place * timedelta(minutes=1)
        )
        made = Enrichment(
            content_version=bare.version,
            enriched_us=0,
            models=(name,),
            phrases=key_phrases(row.text, "en"),
        )
        found.append(bare.model_copy(update={"enrichment": made}))
    return found


def purity(groups: Sequence[object], classes: Sequence[str]) -> float:
    """Return the share of texts whose class is the commonest of their group."""
    held: dict[object, Counter[str]] = {}
    for group, label in zip(groups, classes, strict=True):
        held.setdefault(group, Counter())[label] += 1
    return sum(max(counts.values()) for counts in held.values()) / len(classes)


def compare_taxonomies(rows: Sequence[Labelled], data: Path) -> None:
    """Print accuracy and speed of both classifiers on the four classes of the news."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline

    texts, labels = [row.text for row in rows], np.array([row.labels[0] for row in rows])
    finder = ThemeFinder(DEFAULT_THEMES, load_vectors())
    finder.by_meaning(texts[:10])
    _, seconds = timed(lambda: finder.by_meaning(texts))
    scores = load_vectors().config.scores
    news, tweets = scores["news"], scores["tweets"]
    print(
        f"groundswell, 17 media topics   {len(texts) / seconds:>8,.0f} texts/s  "
        f"accuracy {news['accuracy']:.3f} {news['interval_95']['accuracy']} (cross-validation)  "
        f"tweets: micro F1 {tweets['micro_f1']:.3f}, macro F1 {tweets['macro_f1']:.3f}"
    )
    peer = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(C=10, max_iter=300),
    )
    predicted = cross_val_predict(peer, texts, labels, cv=5)
    peer.fit(texts, labels)
    _, seconds = timed(lambda: peer.predict(texts))
    accuracy = float((predicted == labels).mean())
    print(
        f"TF-IDF classifier, 4 classes   {len(texts) / seconds:>8,.0f} texts/s  "
        f"accuracy {accuracy:.3f} (cross-validation)"
    )
    held = evaluate_themes(data / TWEETS)
    print(f"(trained on too) {held['n']} tweets of validation: micro F1 {held['micro_f1']:.3f}")


def compare_discovery(rows: Sequence[Labelled]) -> None:
    """Print purity, mutual information and speed of both ways to group the news."""
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics import normalized_mutual_info_score

    classes = [row.labels[0] for row in rows]
    mentions = as_mentions(rows)
    found, seconds = timed(lambda: ThemeDiscoverer(load_vectors()).assign(mentions))
    groups = [theme or f"none {place}" for place, theme in enumerate(found)]
    sizes = Counter(groups)
    shared = [place for place, group in enumerate(groups) if sizes[group] >= 3]
    number = len({groups[place] for place in shared})

    def said(name: str, assigned: Sequence[object], rate: float) -> None:
        mine = [assigned[place] for place in shared]
        truth = [classes[place] for place in shared]
        mutual = normalized_mutual_info_score(truth, [str(one) for one in mine])
        print(
            f"{name} {rate:>8,.0f} texts/s  purity {purity(mine, truth):.3f}  "
            f"mutual information {mutual:.3f}"
        )

    print(f"{len(shared):,} of {len(rows):,} texts share {number} themes of three or more:")
    said("groundswell, as they come     ", groups, len(rows) / seconds)

    def cluster() -> Sequence[object]:
        matrix = TfidfVectorizer(stop_words="english", sublinear_tf=True, min_df=2).fit_transform(
            [row.text for row in rows]
        )
        model = MiniBatchKMeans(n_clusters=max(number, 2), random_state=0, n_init=3)
        return [int(label) for label in model.fit_predict(matrix)]

    assigned, seconds = timed(cluster)
    said("TF-IDF + MiniBatchKMeans, all ", assigned, len(rows) / seconds)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print all three comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", default=os.environ.get("GROUNDSWELL_PUBLIC_DATA"))
    parser.add_argument("--texts", type=int, default=20_000)
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("name the public data: --data FOLDER, or GROUNDSWELL_PUBLIC_DATA")
    data = Path(options.data)
    rows = read_labelled_themes(data / NEWS)
    lines = (data / "sentiment/en_train.tsv").read_text(encoding="utf-8").split("\n")[1:]
    tweets = [line.split("\t")[0] for line in lines[: options.texts]]
    vectors = load_vectors()
    vectors.vectors(tweets[:10])
    _, seconds = timed(lambda: vectors.vectors(tweets))
    print(f"vectors of {len(tweets):,} tweets    {len(tweets) / seconds:>8,.0f} texts/s")
    compare_taxonomies(rows, data)
    compare_discovery(rows)


if __name__ == "__main__":
    main()
