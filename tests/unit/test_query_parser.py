"""What queries mean as trees, and what is said about those that mean nothing."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import QueryError
from core.query.ast import (
    And,
    Everything,
    FieldExists,
    FieldIs,
    FieldLike,
    FieldRange,
    Fuzzy,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Scope,
    Wildcard,
    Word,
    walk,
)
from core.query.parser import MAX_QUERY_CHARS, check_topic_query, parse

NOW = datetime(2026, 3, 31, 12, 30, 45, 99, tzinfo=UTC)


def bare(word: str, scope: Scope = None, *, is_cased: bool = False) -> Or:
    """Return the choice that an unquoted word means."""
    return Or(tuple(Word(sigil + word, scope, is_cased) for sigil in ("", "#", "@")))


def day(month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """Return an instant of 2026."""
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


A, B, C = bare("a"), bare("b"), bare("c")


@pytest.mark.parametrize(
    ("query", "node"),
    [
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a && b || c", Or((And((A, B)), C))),
        ("a OR b c", Or((A, And((B, C))))),
        ("NOT a b", And((Not(A), B))),
        ("NOT a OR b", Or((Not(A), B))),
        ("NOT NOT a", Not(Not(A))),
        ("-a +b !c", And((Not(A), B, Not(C)))),
        ("NOT(a)AND(b)", And((Not(A), B))),
        ("(a OR b) c", And((Or((A, B)), C))),
        ("((a))", A),
        ("and or not to near", And(tuple(bare(w) for w in ["and", "or", "not", "to", "near"]))),
        ("NEAR a", And((bare("near"), A))),
        ("*:*", Everything()),
        ("*", Everything()),
    ],
)
def test_operators_bind_as_in_lucene_but_neighbours_mean_and(query: str, node: Node) -> None:
    """NOT binds before AND before OR, and words without an operator must all be there."""
    assert parse(query) == node


@pytest.mark.parametrize(
    ("query", "node"),
    [
        ("Café", bare("cafe")),
        ('"Acme"', Word("acme")),
        ("“acme corp„", Phrase(("acme", "corp"))),
        ('"acme corp"~3', Phrase(("acme", "corp"), 3)),
        ('"acme"~3', Word("acme")),
        ('"a \\"b\\" c"', Phrase(("a", "b", "c"))),
        ("#Acme", Word("#acme")),
        ("@acme", Word("@acme")),
        ("$ACME", Word("$acme")),
        ("❤️", Word("❤")),
        ("e-mail", Phrase(("e", "mail"))),
        ("a\\*b", Phrase(("a", "b"))),
        ("12:30", Phrase(("12", "30"))),
        ("https://www.acme.xyz/a?b", Word("acme.xyz")),
        (
            "snake_case",
            Or((Phrase(("snake", "case")), Word("#snake_case"), Word("@snake_case"))),
        ),
        ("東京都", Or((Phrase(("東京", "京都")), Word("#東京都"), Word("@東京都")))),
        ("東京*", Word("東京")),
        ('"京"', Or((Word("京"), Wildcard("京*"), Wildcard("*京")))),
        ("acm?", Wildcard("acm?")),
        ("*É?m*", Wildcard("*e?m*")),
        ("#*", Wildcard("#*")),
        ("word~", Fuzzy("word", 2)),
        ("word~1", Fuzzy("word", 1)),
        ("title:a", bare("a", "title")),
        ("TITLE:*", Wildcard("*", "title")),
        ("text:(a OR b)", Or((bare("a", "text"), bare("b", "text")))),
        ('case:"Apple Inc"~2', Phrase(("Apple", "Inc"), 2, None, True)),
        ("case:IT", bare("IT", is_cased=True)),
        ("case:京", Or(tuple(Word(s + "京", None, True) for s in ("", "#", "@")))),
        ("title:case:IT", bare("IT", "title", is_cased=True)),
        ("title:(a lang:en)", And((bare("a", "title"), FieldIs("lang", "en")))),
    ],
)
def test_words_become_tokens(query: str, node: Node) -> None:
    """Words, phrases and patterns arrive tokenised and folded, with the place where they look."""
    assert parse(query) == node


def test_near_takes_words_phrases_and_choices() -> None:
    """Each side of NEAR is a choice of token sequences."""
    assert parse('acme NEAR/6 ("refund" OR "late delivery" OR "refund")') == Near(
        (("acme",), ("#acme",), ("@acme",)), (("refund",), ("late", "delivery")), 6
    )
    assert parse('title:("a" NEAR/0 "b") c') == And((Near((("a",),), (("b",),), 0, "title"), C))


@pytest.mark.parametrize(
    ("query", "node"),
    [
        ("lang:EN", FieldIs("lang", "en")),
        ("Language:en", FieldIs("lang", "en")),
        ('source:"My Feed"', FieldIs("source", "my feed")),
        ("author:@Bob", FieldIs("author", "bob")),
        ("hashtag:#X", FieldIs("hashtag", "x")),
        ("link:https://Acme.com/A", FieldIs("link", "https://Acme.com/A")),
        ("author_id:bluesky:did:plc:X", FieldIs("author_id", "bluesky:did:plc:X")),
        ("lang:(de OR en)", Or((FieldIs("lang", "de"), FieldIs("lang", "en")))),
        ("-lang:(en NOT de)", Not(And((FieldIs("lang", "en"), Not(FieldIs("lang", "de")))))),
        ("own:yes", FieldIs("own", "true")),
        ("own:FALSE", FieldIs("own", "false")),
        ("lang:*", FieldExists("lang")),
        ("own:*", FieldExists("own")),
        ("followers:*", FieldExists("followers")),
        ("author:B?b*", FieldLike("author", "b?b*")),
        ("author:a\\*b", FieldIs("author", "a*b")),
        ("followers:10", FieldRange("followers", 10, 10)),
        ("followers:[1 TO *]", FieldRange("followers", 1, None)),
        ("followers:{1.5 TO 2}", FieldRange("followers", 1.5, 2, False, False)),
        ('followers:["1" TO 2}', FieldRange("followers", 1, 2, True, False)),
        ("followers:>=10", FieldRange("followers", 10, None)),
        ("followers:> 10", FieldRange("followers", 10, None, False)),
        ("followers:<10", FieldRange("followers", None, 10, True, False)),
        ("views:(1 OR >5)", Or((FieldRange("views", 1, 1), FieldRange("views", 5, None, False)))),
    ],
)  # fmt: skip
def test_fields_hold_values(query: str, node: Node) -> None:
    """A field's value is folded as the field keeps it, and ranges keep their ends."""
    assert parse(query) == node


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("2026", day(1, 1), datetime(2027, 1, 1, tzinfo=UTC)),
        ("2026-02", day(2, 1), day(3, 1)),
        ("2026-02-28", day(2, 28), day(3, 1)),
        ("2026-02-28T10:00", day(2, 28, 10), day(2, 28, 10, 0, 1)),
        ("2026-02-28T10:00:05+02:00", day(2, 28, 8, 0, 5), day(2, 28, 8, 0, 6)),
        ("now", day(3, 31, 12, 30, 45), day(3, 31, 12, 30, 46)),
        ("now-7d", day(3, 24, 12, 30, 45), day(3, 24, 12, 30, 46)),
        ("now-1M", day(2, 28, 12, 30, 45), day(2, 28, 12, 30, 46)),
        ("now-1y+1h", datetime(2025, 3, 31, 13, 30, 45, tzinfo=UTC), None),
        ("now/d", day(3, 31), day(4, 1)),
        ("now/h", day(3, 31, 12), day(3, 31, 13)),
        ("now/w", day(3, 30), day(4, 6)),
        ("now/M", day(3, 1), day(4, 1)),
        ("now-1w/y", day(1, 1), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_written_date_covers_a_period(written: str, low: datetime, high: datetime | None) -> None:
    """A day is the whole day, and ranges take all or nothing of it."""
    is_ = parse(f"published:{written}", NOW)
    assert isinstance(is_, FieldRange)
    assert is_.low == low
    end = high or is_.high
    assert is_ == FieldRange("published", low, end, True, False)
    assert parse(f"published:>={written}", NOW) == FieldRange("published", low, None, True, False)
    assert parse(f"published:>{written}", NOW) == FieldRange("published", end, None, True, False)
    assert parse(f"published:<={written}", NOW) == FieldRange("published", None, end, True, False)
    assert parse(f"published:<{written}", NOW) == FieldRange("published", None, low, True, False)


@pytest.mark.parametrize(
    ("query", "column", "says"),
    [
        ("", 1, "*:* matches everything"),
        ("  ", 1, "*:* matches everything"),
        ("a OR", 5, "is missing"),
        ("a AND AND b", 7, "is missing"),
        ("NEAR/3 b", 1, "is missing"),
        ("()", 2, "is missing"),
        ("(a", 1, "not closed"),
        ("a)", 2, "closes or opens nothing"),
        ('x "a', 3, "not closed"),
        ('"a\\', 1, "not closed"),
        ("a\\", 1, "backslash"),
        ("a ~", 3, "escape it"),
        ("a ]", 3, "escape it"),
        ("a^2", 2, "not ranked"),
        ("a\\**", 1, "both escaped and meant"),
        ("...", 1, "no word"),
        ('"!"', 1, "no word"),
        ("late-d*", 1, "not one word"),
        ("case:a*", 6, "without * and ?"),
        ("case:a~", 6, "does not heed case"),
        ("e-mail~", 1, "one word"),
        ("a~3", 1, "1 or 2"),
        ("a~x", 2, "whole number"),
        ('"a b"~101', 1, "0 to 100"),
        ("a NEAR b", 3, "e.g. NEAR/5"),
        ("a NEAR/31 b", 3, "0 to 30"),
        ("a NEAR/3 b NEAR/3 c", 12, "joins two"),
        ("a NEAR/3 b*", 3, "NEAR takes"),
        ('a NEAR/3 "b c"~2', 3, "NEAR takes"),
        ("case:a NEAR/3 b", 8, "NEAR takes"),
        ("title:a NEAR/3 b", 9, "in one place"),
        ("chanel:x", 1, "did you mean channel?"),
        ("zzz:x", 1, "the fields are title, text, case, id, lang"),
        ("lang:", 6, "needs a value"),
        ("lang: en", 6, "needs a value"),
        ('lang:" "', 6, "lang:* finds any"),
        ("channel:pod", 9, "one of news, blog"),
        ("channel:(a:b OR lang:en)", 10, "one of news"),
        ("channel:(social OR lang:en)", 20, "cannot stand within the values of channel"),
        ("own:maybe", 5, "true or false"),
        ("own:t*", 5, "holds no words"),
        ("followers:x", 11, "is a number"),
        ("followers:nan", 11, "is a number"),
        ("lang:[a TO b]", 6, "has no ranges"),
        ("lang:>a", 6, "has no ranges"),
        ("[1 TO 2]", 1, "after a field"),
        ("title:>5", 7, "after a field"),
        ("followers:[1 2]", 11, "[low TO high]"),
        ("followers:[1 TO 2", 11, "not closed with"),
        ("followers:[1 TO ]", 11, "a bound is missing"),
        ("published:gestern", 11, "a date is written"),
        ("published:2026-02-30", 11, "a date is written"),
        ("published:now-7x", 11, "a date is written"),
        ("published:now-999999y", 11, "a date is written"),
        ("published:9999-12-31", 11, "a date is written"),
        ("(" * 51 + "a" + ")" * 51, 51, "more than 50 deep"),
        ("-" * 51 + "a", 52, "more than 50"),
        ("a" * (MAX_QUERY_CHARS + 1), MAX_QUERY_CHARS + 1, "are allowed"),
    ],
)
def test_says_what_is_wrong_and_where(query: str, column: int, says: str) -> None:
    """An invalid query names the column and what would be allowed there."""
    with pytest.raises(QueryError) as caught:
        parse(query, NOW)
    assert says in caught.value.message
    assert caught.value.column == column


def test_refuses_now_without_a_clock() -> None:
    """A topic's query is parsed without a present time and cannot use one."""
    with pytest.raises(QueryError, match="no now"):
        parse("published:>now-7d")


PIECES = [*'ab "()[]{}~^*?:\\-!<>/#@', "NEAR/2 ", " TO ", "lang:", " OR ", "NOT ", "京"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_a_query_or_an_error_with_a_column(query: str) -> None:
    """Whatever is typed, the answer is a tree or a QueryError within the text."""
    column = 1
    try:
        parse(query, NOW)
    except QueryError as error:
        column = error.column
    assert 1 <= column <= len(query) + 1


def test_names_the_fields_that_topics_cannot_use() -> None:
    """Fields that no source delivers are named once each, in order."""
    node = parse("a (followers:>3 OR NOT tag:x) sentiment:positive tag:* author:b* lang:en")
    assert check_topic_query(node) == ["followers", "tag", "sentiment"]


def test_walks_parents_first() -> None:
    """Every node of a tree comes once, from left to right."""
    node = parse('"a" NOT "b" ("c" OR "d")')
    assert [leaf.token for leaf in walk(node) if isinstance(leaf, Word)] == ["a", "b", "c", "d"]
    assert next(walk(node)) is node


PAGE = Path(__file__).resolve().parents[2] / "docs" / "query-language.md"


def test_documented_examples_are_queries() -> None:
    """Every example of the user guide parses."""
    page = PAGE.read_text(encoding="utf-8")
    block = page.partition("```\n")[2].partition("```")[0]
    rows = page.partition("## Examples\n")[2].partition("\n## ")[0]
    examples = [*block.splitlines(), *re.findall(r"\| `(.+)` \|$", rows, re.MULTILINE)]
    assert len(examples) > 10
    for example in examples:
        parse(example, NOW)
