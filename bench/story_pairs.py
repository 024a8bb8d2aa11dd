"""A stream of texts of which it is known which tell the same: the demo's texts, and mutations.

Every mutation is one that real feeds show: cut off, passed on with "RT", quoted with a comment,
with links added, in capitals, with one word changed, with a source line. Texts of one skeleton
with other facts stand beside them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from core.mention import Channel, Enrichment, Mention
from demo.stream import generate
from nlp.analyser import analysed_text
from nlp.story import normalise_story, story_id

START = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
LEAST_WORDS = 12
"""Originals; a text cut off in the middle must still say something."""

MOST_SHARED = 0.6

SKELETONS = (
    "{0} opened a new depot in {1} on {2}, where {3} people will sort parcels for the region",
    "{0} raised its prices in {1} from {2}; many shops there say they will look elsewhere now",
    "Police in {1} are looking for a {0} van that was taken on {2} with {3} parcels inside",
    "Vaccination slots in {1}: {3} open at {0} centre for {2}, book before they are gone",
    "Now hiring in {1}: {0} wants more drivers, first shifts on {2}, apply at the gate",
)
NAMES = ("Pendrake", "Mullivan", "Tarrock", "Ashdown", "Kestrel", "Brightwell", "Oakmoor")
PLACES = ("Leeds", "Bristol", "Cardiff", "Norwich", "Derby", "Exeter", "York", "Lincoln")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
COMMENTS = ("This is big.", "Well well well:", "What do you all think of this?", "Finally!")
SOURCES = ("Source: Wire Service", "(via The Daily Crate)", "— reported by Northern Press")
WORDS = ("nearly", "local", "several", "planned", "earlier", "rather", "public", "another")

Mutation = Callable[[random.Random, str], str]


def _cut(rng: random.Random, text: str) -> str:
    kept = rng.uniform(0.55, 0.9)
    return text[: int(len(text) * kept)] + rng.choice(["…", "...", "… https://t.example/x1"])


def _cut_silently(rng: random.Random, text: str) -> str:
    words = text.split()
    return " ".join(words[: int(len(words) * rng.uniform(0.65, 0.9))])


def _pass_on(rng: random.Random, text: str) -> str:
    return f"RT @user{rng.randrange(99)}: {text}"


def _quote(rng: random.Random, text: str) -> str:
    return f"{rng.choice(COMMENTS)} “{text}”"


def _link(rng: random.Random, text: str) -> str:
    return f"{text} https://news.example/{rng.randrange(10**6)} @reader{rng.randrange(99)}"


def _shout(rng: random.Random, text: str) -> str:
    return text.upper() if rng.random() < 0.5 else text.lower()


def _change_word(rng: random.Random, text: str) -> str:
    words = text.split()
    plain = [i for i, word in enumerate(words) if word.isalpha()]
    if plain:
        words[rng.choice(plain)] = rng.choice(WORDS)
    return " ".join(words)


def _misspell(rng: random.Random, text: str) -> str:
    words = text.split()
    long = [i for i, word in enumerate(words) if word.isalpha() and len(word) > 4]
    if long:
        place = rng.choice(long)
        words[place] = words[place][:2] + words[place][3:]
    return " ".join(words)


def _insert_word(rng: random.Random, text: str) -> str:
    words = text.split()
    words.insert(rng.randrange(1, len(words)), rng.choice(WORDS))
    return " ".join(words)


def _credit(rng: random.Random, text: str) -> str:
    return f"{text} {rng.choice(SOURCES)}"


def _several(rng: random.Random, text: str) -> str:
    return _pass_on(rng, _credit(rng, _change_word(rng, text)))


MUTATIONS: dict[str, Mutation] = {
    "cut off": _cut,
    "cut off unmarked": _cut_silently,
    "RT": _pass_on,
    "quoted": _quote,
    "link added": _link,
    "other case": _shout,
    "word changed": _change_word,
    "misspelt": _misspell,
    "word added": _insert_word,
    "source added": _credit,
    "RT, word and source": _several,
}
"""What was done to a text -> how."""


def originals(count: int, seed: int = 7) -> list[str]:
    """Return up to ``count`` texts of the demo that are long enough to be cut.

    No two share most of their words: whether these tell the same, nobody has said.
    """
    rng = random.Random(seed)
    texts = {post.text.strip() for post in generate(START, seed)}
    long = sorted(text for text in texts if len(normalise_story(text).split()) >= LEAST_WORDS)
    rng.shuffle(long)
    kept: list[str] = []
    seen: list[set[str]] = []
    for text in long:
        words = set(normalise_story(text).split())
        if all(len(words & other) <= MOST_SHARED * min(len(words), len(other)) for other in seen):
            kept.append(text)
            seen.append(words)
            if len(kept) == count:
                break
    return kept


def hard_negatives(rng: random.Random, count: int) -> list[str]:
    """Return texts of few skeletons, any two of which differ in two facts or more."""
    found: dict[tuple[int, str, str], str] = {}
    for _ in range(200 * count):
        if len(found) == count:
            break
        number = rng.randrange(len(SKELETONS))
        facts = rng.choice(NAMES), rng.choice(PLACES), rng.choice(DAYS), rng.randrange(5, 900)
        text = SKELETONS[number].format(*facts)
        others = (other for key, other in found.items() if key[0] == number)
        if all(_differing(text, other) >= 2 for other in others):
            found[number, facts[0], text] = text
    return list(found.values())


def _differing(left: str, right: str) -> int:
    return sum(a != b for a, b in zip(left.split(), right.split(), strict=True))


def labelled(count: int = 400, copies: int = 4, seed: int = 7) -> list[tuple[str, str, str]]:
    """Return (story, mutation, text) in a shuffled order in which originals need not come first.

    ``count`` stories of the demo with ``copies`` mutations each; half as many hard negatives.
    """
    rng = random.Random(seed)
    rows: list[tuple[str, str, str]] = []
    for number, text in enumerate(originals(count, seed)):
        rows.append((f"s{number}", "original", text))
        names = rng.sample(list(MUTATIONS), copies)
        rows += [(f"s{number}", name, MUTATIONS[name](rng, text)) for name in names]
    negatives = hard_negatives(rng, count // 2)
    rows += [(f"n{number}", "other facts", text) for number, text in enumerate(negatives)]
    rng.shuffle(rows)
    return rows


def as_mentions(texts: Iterable[str], start: datetime = START) -> list[Mention]:
    """Return enriched mentions of the texts, a second apart."""
    found = []
    for number, text in enumerate(texts):
        mention = Mention(
            id=f"m{number:07}",
            service="web",
            channel=Channel.SOCIAL,
            text=text,
            published_at=start + timedelta(seconds=number),
        ).with_version(1)
        made = Enrichment(
            content_version=mention.version,
            enriched_us=1,
            story_id=story_id(analysed_text(mention)),
        )
        found.append(mention.model_copy(update={"enrichment": made}))
    return found


def pair_scores(expected: list[str], found: list[str]) -> tuple[float, float, float]:
    """Return precision, recall and F1 over all pairs of rows that are said to tell the same."""

    def pairs(groups: Iterable[object]) -> int:
        counts: dict[object, int] = {}
        for group in groups:
            counts[group] = counts.get(group, 0) + 1
        return sum(n * (n - 1) // 2 for n in counts.values())

    right = pairs(zip(expected, found, strict=True))
    said, true = pairs(found), pairs(expected)
    precision, recall = right / max(said, 1), right / max(true, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)
