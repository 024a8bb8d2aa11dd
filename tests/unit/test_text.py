"""Tokens: what is kept whole, what is folded, and that no text takes long."""

import gc
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import (
    MAX_TOKEN_CHARS,
    domains_of,
    fold,
    indexed_cased_tokens,
    indexed_tokens,
    tokenise,
)


def folded(text: str) -> list[str]:
    """Return the folded tokens of ``text``."""
    return [token.folded for token in tokenise(text)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Café CAFÉ cafe cafe\u0301", ["cafe"] * 4),
        ("Straße Łódź Ægir İstanbul ŤŘ", ["strasse", "lodz", "aegir", "istanbul", "tr"]),
        ("Ελλάδα ΕΛΛΑΔΑ", ["ελλαδα"] * 2),
        ("йод ёж", ["йод", "ёж"]),
        ("हिन्दी", ["हिन्दी"]),
        ("ＡＣＭＥ 𝐀𝐜𝐦𝐞 ac\u00adme", ["acme"] * 3),
        ("می\u200cخواهم", ["میخواهم"]),
        (
            "don't Acme’s e-mail snake_case 3.5",
            ["don", "t", "acme", "s", "e", "mail", "snake", "case", "3", "5"],
        ),
        ("½ ⑴ m²", ["m2"]),
        ("Acme™ C#", ["acme", "c"]),
        (
            "#AcmeLaunch ＃Ｆｕｌｌ ##twice #_x #東京タワー",
            ["#acmelaunch", "#full", "#twice", "#_x", "#東京タワー"],
        ),
        ("@acme. ＠acme @acme's", ["@acme", "@acme", "@acme", "s"]),
        (
            "@user@mastodon.social, @user.bsky.social!",
            ["@user@mastodon.social", "@user.bsky.social"],
        ),
        ("@acme.com @jane.doe", ["@acme.com", "@jane", "doe"]),
        ("$AAPL $BRK.B $100 US$x", ["$aapl", "$brk.b", "100", "us", "x"]),
        ("https://www.News.example.xyz:80/a/b?c=d#e", ["news.example.xyz"]),
        ("http://user:pass@acme.com.", ["acme.com"]),
        ("http://[::1]/x https:// ftp://-", ["::1", "https"]),
        ("https://münchen.de/ü", ["munchen.de", "u"]),
        ("see acme.com/foo, my-acme.co.uk", ["see", "acme.com", "my-acme.co.uk"]),
        ("the end.Start here", ["the", "end", "start", "here"]),
        ("info@acme.com", ["info", "acme.com"]),
        ("https://t.co/abcこん", ["t.co", "こん"]),
        ("http://日本.jp/x", ["日本.jp"]),
        ("❤️❤ 👩🏽‍💻 🇩🇪🇫🇷 1️⃣", ["❤", "❤", "👩🏽‍💻", "🇩🇪", "🇫🇷", "1⃣"]),
        ("東京都 猫", ["東京", "京都", "猫"]),
        ("iPhone15発売", ["iphone15", "発売"]),
        ("ｶﾞｷﾞ", ["ガギ"]),
        ("애플이 " + unicodedata.normalize("NFD", "애플"), ["애플", "플이", "애플"]),
        ("สวัสดี", ["สวั", "วัส", "สดี"]),
        ("", []),
        (" ... \u3000\u00a0\n", []),
    ],
)
def test_splits_and_folds(text: str, tokens: list[str]) -> None:
    """Each kind of token comes out whole and folded."""
    assert folded(text) == tokens


def test_keeps_case_beside_the_folded_form() -> None:
    """The cased token keeps its case and loses its accents, as the folded one does."""
    assert [token.cased for token in tokenise("Café #AcmeX https://Acme.com")] == [
        "Cafe",
        "#AcmeX",
        "Acme.com",
    ]


def test_says_where_each_token_stands() -> None:
    """Offsets cut the written form out of the text, of a URL only its host."""
    text = "Go: https://www.acme.com/x #Go 東京都 ❤️"
    assert [text[token.start : token.end] for token in tokenise(text)] == [
        "Go",
        "acme.com",
        "#Go",
        "東京",
        "京都",
        "❤️",
    ]


def test_indexed_forms_hold_the_same_tokens() -> None:
    """A whitespace analyser gets back exactly the tokens, folded and cased."""
    text = "Acme's #Launch"
    assert indexed_tokens(text) == "acme s #launch"
    assert indexed_cased_tokens(text) == "Acme s #Launch"


@given(st.text())
def test_tokens_are_safe_to_index(text: str) -> None:
    """No token is empty, long or holds a space; offsets are within the text and in order."""
    last = 0
    for token in tokenise(text):
        for form in (token.folded, token.cased):
            assert 0 < len(form) <= MAX_TOKEN_CHARS
            assert len(form.split()) == 1
            assert form.split()[0] == form
        assert last <= token.start < token.end <= len(text)
        last = token.start


@given(st.text(st.characters(categories=["L", "N", "M", "Zs", "Po", "Cf"])))
def test_case_and_compatibility_forms_do_not_matter(text: str) -> None:
    """Folding what is folded changes nothing, and neither does the cased form's folding."""
    assert fold(fold(text)) == fold(text)
    for token in tokenise(text):
        assert fold(token.folded) == token.folded
        assert fold(token.cased)[:MAX_TOKEN_CHARS] == token.folded


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["@a@b.com", "http://[", "https://www.", "$A.B", ".com", "#_", "x.y", "-"]
            ),
            st.text(st.characters(max_codepoint=127), max_size=4),
        )
    ).map("".join)
)
def test_other_characters_elsewhere_change_nothing(text: str) -> None:
    """A text is cut the same way whether or not something beyond ASCII follows it."""
    assert tokenise(text) == tokenise(f"{text} \u2026")


def test_cuts_long_words() -> None:
    """A word of a thousand letters becomes one token of a hundred, in any script."""
    assert folded("a" * 1000) == ["a" * 100]
    assert folded("ж" * 1000) == ["ж" * 100]
    assert folded("#" + "é" * 1000) == ["#" + "e" * 99]
    assert all(len(token) <= 100 for token in folded("👩‍" * 1000 + "👩"))


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a.",
        "a-",
        "@",
        "@a@",
        "@a.",
        "#_",
        "@_",
        "a\u0301\u0323",
        "\u0301",
        "👩\u200d",
        "1\ufe0f",
        "東",
        "http://",
        "http://a.",
        "http://[",
        "$a",
        "ﷺ",
        "\x00",
        "👩\U000e0020",
        "@" + "a" * 70 + ".",
    ],
)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    """Eight times the text takes about eight times as long, whatever is repeated in it."""

    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        gc.disable()  # its pauses grow with what other tests left behind
        started = time.process_time()
        tokenise(text)
        took = time.process_time() - started
        gc.enable()
        return took

    # Below ten milliseconds other things than the text decide.
    base = max(min(seconds(25_000) for _ in range(3)), 0.01)
    assert min(seconds(200_000) for _ in range(2)) < 32 * base


def test_domains_reach_from_the_host_to_the_registrable_domain() -> None:
    """A page's host is found by itself and by each of its parents, but not by the suffix."""
    assert domains_of(["https://www.news.example.co.uk/x", "http://example.co.uk."]) == (
        "www.news.example.co.uk",
        "news.example.co.uk",
        "example.co.uk",
    )


@pytest.mark.parametrize(
    ("url", "domains"),
    [
        ("http://1.2.3.4:80/", ("1.2.3.4",)),
        ("http://[::1]/", ("::1",)),
        ("http://localhost/", ("localhost",)),
        ("https://alice.blogspot.com", ("alice.blogspot.com", "blogspot.com")),
        ("https://xn--mnchen-3ya.de", ("münchen.de",)),
        ("https://xn--\u00fc.de", ("xn--ü.de",)),
        ("http://[::1", ()),
        ("mailto:a@b.c", ()),
        ("co.uk", ()),
        ("https://co.uk", ("co.uk",)),
    ],
)
def test_domains_of_odd_addresses(url: str, domains: tuple[str, ...]) -> None:
    """Addresses that are no ordinary host give themselves or nothing, never an error."""
    assert domains_of([url]) == domains
