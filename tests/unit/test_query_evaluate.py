"""Which mentions match: the meaning that every engine is compared with."""

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fields import FIELDS
from core.mention import Author, Channel, Engagement, Mention
from core.query.ast import Near, Phrase
from core.query.evaluate import TokenisedMention, matches
from core.query.occurrences import Stream, occurrences
from core.query.parser import parse
from core.query.patterns import is_within, literals, wildcard
from tests.strategies import NOW, mentions, queries


def mention(text: str, title: str | None = None) -> Mention:
    """Return a mention that says ``text``."""
    return Mention(id="m", text=text, title=title, channel=Channel.SOCIAL, published_at=NOW)


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("acme", "Acme!", True),
        ("acme", "#ACME", True),
        ("acme", "hey @acme", True),
        ("acme", "acmes", False),
        ('"acme"', "#acme @acme", False),
        ("#acme", "acme", False),
        ("@acme", "#acme", False),
        ("snake_case", "via @snake_case", True),
        ("acme's", "Acme’s", True),
        ("acme.com", "https://www.acme.com/shop", True),
        ('"road runner"', "Road-Runner", True),
        ('"road runner"', "runner road", False),
        ('"road runner"', "road the runner", False),
        ('"road runner"~1', "road the runner", True),
        ('"road runner"~1', "runner road", False),
        ('"road runner"~2', "runner road", True),
        ('"acme acme"~3', "acme", False),
        ('"acme acme"~3', "acme and acme", True),
        ('"a b a"~2', "b a a", True),
        ('"a b a"~1', "b a a", False),
        ('"acme acme"', "acme acme", True),
        ("acme NEAR/2 refund", "refund from the acme", True),
        ("acme NEAR/1 refund", "refund from the acme", False),
        ("acme NEAR/0 refund", "#acme refund", True),
        ("acme NEAR/9 acme", "acme", False),
        ('"road runner" NEAR/0 (acme OR "late delivery")', "late delivery road runner", True),
        ('"road runner" NEAR/5 runner', "road runner", False),
        ("case:Apple", "apple pie", False),
        ("case:Apple", "#Apple", True),
        ('case:"Big Apple"', "big Apple", False),
        ('case:"Big Apple"', "Big Apple", True),
        ("acm?", "acme", True),
        ("acm?", "acm", False),
        ("a*e", "apple", True),
        ("*:*", "", True),
        ("word~1", "wrod", True),
        ("word~1", "wrdo", False),
        ("word~1", "wxyd", False),
        ("京", "東京都", True),
        ("京", "上海", False),
        ("東京都", "大東京都庁", True),
        ("東京都", "#東京都", True),
        ("東都", "東京都", False),
        ("NOT acme", "acme", False),
        ("NOT acme", "", True),
        ("NOT lang:en", "no language", True),
        ("NOT followers:>1", "nobody knows", True),
        ("followers:*", "nobody knows", False),
        ("channel:social -lang:*", "x", True),
        ("own:false", "x", True),
        ("own:*", "x", True),
    ],
)
def test_matches_as_the_language_says(query: str, text: str, expected: bool) -> None:
    """Each construct finds what it says and nothing else."""
    assert matches(parse(query), mention(text)) is expected


def test_no_match_crosses_from_title_to_text() -> None:
    """A phrase and a NEAR look in the title or in the text, never across; words in either."""
    item = mention("runner here", title="The road")
    assert matches(parse("road runner"), item)
    assert not matches(parse('"road runner"'), item)
    assert not matches(parse("road NEAR/5 runner"), item)
    assert matches(parse("title:road text:runner"), item)
    assert not matches(parse("title:runner OR text:road"), item)
    assert not matches(parse("title:road"), mention("road"))


def test_reads_fields() -> None:
    """Keyword, pattern, flag, number and date leaves read the mention's own values."""
    item = mention("x").model_copy(
        update={
            "url": "https://news.example.co.uk/a",
            "author": Author(service="mastodon", id="7", handle="@Bob", followers=10),
            "sources": ("My Feed",),
            "engagement": Engagement(shares=3, reactions=2),
            "is_own": True,
        }
    )
    for query in (
        "domain:example.co.uk author:bob author:b* source:'my* -source:other",
        "author_id:mastodon:7 own:true followers:10 followers:[10 TO 10] engagement:>4",
        "shares:{2 TO 3] -shares:<3 -shares:>3 -comments:*",
        "published:2026-06-15 published:[now-1d TO now] -published:<2026-06-15",
    ):
        assert matches(parse(query.replace("'my*", "my*"), NOW), item), query
    assert not matches(parse("own:false"), item)
    assert not matches(parse("author_name:*"), item)


@given(mentions(), queries)
def test_negation_and_sharing_do_not_change_the_answer(item: Mention, query: str) -> None:
    """NOT turns every answer around, and asking a tokenised mention gives the same answer."""
    node = parse(query, NOW)
    tokenised = TokenisedMention(item)
    assert matches(node, tokenised) is matches(node, item)
    assert matches(parse(f"NOT ({query})", NOW), tokenised) is not matches(node, item)


_letters = st.text("ab", max_size=6)


@given(_letters, _letters.filter(lambda w: len(w) > 1), st.integers(0, 4))
def test_slop_counts_as_a_search_over_all_placements(text: str, words: str, slop: int) -> None:
    """A sloppy phrase matches when some placement of its words moves them within the slop."""
    places = [[at for at, found in enumerate(text) if found == word] for word in words]
    expected = any(
        len(set(placed)) == len(placed)
        and max(shifts := [at - i for i, at in enumerate(placed)]) - min(shifts) <= slop
        for placed in product(*places)
    )
    found = list(occurrences(Phrase(tuple(words), slop), Stream(" ".join(text))))
    assert bool(found) is expected


_sequences = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=2)


@given(st.text("abc", max_size=7), _sequences, _sequences, st.integers(0, 3))
def test_near_is_either_order_without_overlap(
    text: str, left: list[str], right: list[str], distance: int
) -> None:
    """NEAR marks exactly the operands that stand close enough and apart."""

    def ranges(choices: list[str]) -> set[tuple[int, int]]:
        starts = [
            (i, i + len(c)) for c in choices for i in range(len(text)) if text[i:].startswith(c)
        ]
        return set(starts)

    expected = {
        one
        for sides in product(ranges(left), ranges(right))
        for first, second in permutations(sides)
        if 0 <= second[0] - first[1] <= distance
        for one in sides
    }
    leaf = Near(tuple(map(tuple, left)), tuple(map(tuple, right)), distance)
    assert set(occurrences(leaf, Stream(" ".join(text)))) == expected


@given(st.text("ab*?", max_size=8), st.text("abc", max_size=8))
def test_wildcards_fit_as_a_plain_search_says(pattern: str, text: str) -> None:
    """A pattern fits exactly the strings that trying everything says it fits."""

    def fits(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return fits(pattern[1:], text) or (bool(text) and fits(pattern, text[1:]))
        return bool(text) and pattern[0] in ("?", text[0]) and fits(pattern[1:], text[1:])

    found = wildcard(pattern).fullmatch(text) is not None
    assert found is fits(pattern, text)
    assert not found or all(piece in text for piece in literals(pattern))


def test_a_hostile_pattern_ends() -> None:
    """Many stars over a long row of one letter take no time that anyone notices."""
    assert wildcard("*a" * 40 + "*b").fullmatch("a" * 100) is None


@given(st.text("abc", max_size=5), st.text("abc", max_size=5), st.integers(1, 2))
def test_fuzzy_counts_edits(left: str, right: str, distance: int) -> None:
    """Two strings are within n edits exactly when n single edits lead from one to the other."""

    def edits(word: str, first: int) -> set[tuple[str, int]]:
        """Return each word one edit further right than ``first``, and where that edit ended."""
        found = set()
        for i in range(first, len(word) + 1):
            found |= {(word[:i] + c + word[i:], i + 1) for c in "abc"}
            found |= {(word[:i] + c + word[i + 1 :], i + 1) for c in "abc" if i < len(word)}
            found |= {(word[:i] + word[i + 1 :], i)}
            found |= {(word[:i] + word[i : i + 2][::-1] + word[i + 2 :], i + 2)}
        return found

    reached = {(left, 0)}
    for _ in range(distance):
        reached |= {further for word, at in reached for further in edits(word, at)}
    assert is_within(left, right, distance) is (right in {word for word, _ in reached})


def test_every_field_reads_a_bare_mention() -> None:
    """No field needs more than an id: what is missing has no value."""
    tokenised = TokenisedMention(Mention(id="m"))
    for name in FIELDS:
        assert tokenised.values(name) is tokenised.values(name)
