"""The activation kit, in which no person stands, and the outreach list, which services allow."""

from __future__ import annotations

import re
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from audiences.kit import MINIMUM_GROUP, Kit, People, build_kit, describe
from audiences.outreach import COLUMNS, EXCERPT, outreach_list
from audiences.segments import Member, select_members
from core.mention import Author, Mention
from core.settings import Segment
from tests.fakes import crisis

ALL = Segment(name="all")


def member(
    number: int, text: str, hashtags: tuple[str, ...] = (), author: Author | None = None
) -> Member:
    """Return somebody who said ``text``."""
    at = crisis.NOW - timedelta(hours=number % 3)
    made = crisis.mention(number, at, text, hashtags=hashtags)
    who = author or Author(service="mastodon", id=f"u{number}x", handle=f"h{number}x")
    return select_members([made.model_copy(update={"author": who})], ALL)[0]


def crowd(count: int, text: str, start: int = 0, hashtags: tuple[str, ...] = ()) -> list[Member]:
    """Return ``count`` people who said the same."""
    return [member(start + n, text, hashtags) for n in range(count)]


def values(kit: Kit, part: str) -> list[str]:
    """Return the values of one part."""
    return [line.value for line in kit.parts[part]]


def test_what_they_say_more_often_stands_first() -> None:
    """Typical values come first, with authors counted and the factor against the others."""
    members = crowd(20, "acme kettle whistles", hashtags=("tea",))
    kit = build_kit(members, crowd(40, "acme kettle", 100), "UTC")
    first = kit.parts["keywords"][0]
    assert (first.value, first.authors, first.factor, first.is_typical) == (
        "whistles",
        20,
        None,
        True,
    )
    kettle = next(line for line in kit.parts["keywords"] if line.value == "kettle")
    assert (kettle.factor, kettle.is_typical) == (1.0, False)
    assert values(kit, "hashtags") == ["tea"]
    assert values(kit, "languages") == ["en"]
    text = describe(kit, "Tea", "acme", is_synthetic=True)
    assert "People who use the hashtags tea; say whistles." in text
    assert "Synthetic data" in text


def test_small_groups_are_suppressed() -> None:
    """Nine people are nobody's target group: neither as a segment nor as a line."""
    assert build_kit(crowd(MINIMUM_GROUP - 1, "kettle"), [], "UTC").parts == {}
    assert build_kit(crowd(MINIMUM_GROUP - 1, "kettle"), [], "UTC").is_suppressed
    few = crowd(MINIMUM_GROUP, "kettle") + crowd(MINIMUM_GROUP - 1, "secretword", 50)
    kit = build_kit(few, [], "UTC")
    assert not kit.is_suppressed
    assert values(kit, "keywords") == ["kettle"]


def test_one_author_counts_once() -> None:
    """Somebody who says a word twenty times is one author."""
    loud = [crisis.mention(7 + 90 * n, crisis.NOW, "loudword") for n in range(20)]
    members = [*select_members(loud, ALL), *crowd(12, "kettle", 200)]
    assert "loudword" not in values(build_kit(members, [], "UTC"), "keywords")


def test_active_hours_are_local() -> None:
    """Hours are those of the installation's wall clock."""
    kit = build_kit(crowd(30, "kettle"), [], "Europe/Berlin")
    assert set(values(kit, "active_hours")) == {
        "Thursday 14:00",
        "Thursday 15:00",
        "Thursday 16:00",
    }


NAMES = st.text(st.sampled_from("abcdeäß東. _@-"), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(NAMES, min_size=10, max_size=14), st.data())
def test_no_author_stands_in_a_kit(names: list[str], data: st.DataObject) -> None:
    """However often people are called by name, no handle, name or id comes into any file."""
    called = " ".join(names)
    tags = tuple(name.strip(" @#.-").casefold() or "x" for name in names)
    members = []
    for number, name in enumerate(names):
        kind = data.draw(st.sampled_from(["handle", "name", "id"]))
        told = {"id": f"id{number}x", kind: name}
        author = Author.model_validate({"service": "mastodon", **told})
        members.append(member(number, f"{called} kettle {called}", tags, author))
    kit = build_kit(members, [], "UTC")
    people = People(members)
    for part in ("keywords", "hashtags", "names", "domains"):
        for value in values(kit, part):
            assert not people.stand_in(value)
            pieces = re.findall(r"[^\W_]+", value.casefold())
            for name in names:
                wanted = re.findall(r"[^\W_]+", name.casefold())
                assert not wanted or wanted != pieces


def test_names_are_found_as_whole_words() -> None:
    """A name of several words is found in its order; a part of a word is no name."""
    people = People([member(1, "x", author=Author(service="web", id="n.example/ann lee"))])
    assert people.stand_in("fans of Ann Lee!")
    assert people.stand_in("ann-lee.example")
    assert not people.stand_in("lee ann")
    assert not people.stand_in("annlees")
    assert not People([]).stand_in("ann lee")


def test_markup_of_strangers_stays_text() -> None:
    """Values, names and definitions make no table cell, heading, tag or link of their own."""
    kit = build_kit(crowd(12, "kettle", hashtags=("a|b<img>",)), [], "UTC")
    text = describe(kit, "x\n# y", "`a` | <b>", is_synthetic=False)
    assert "<img>" not in text
    assert "\n# y" not in text
    rows = [line for line in text.splitlines() if line.startswith("| a")]
    assert rows == ["| a\\|b\\<img\\> | 12 | only here | yes |"]


def test_nothing_in_common_is_said() -> None:
    """A kit of people who differ from nobody says so."""
    same = build_kit(crowd(30, "kettle"), crowd(30, "kettle", 100), "UTC")
    assert "They do not differ" in describe(same, "S", "d", is_synthetic=False)
    assert "Nothing that enough authors share." in describe(same, "S", "d", is_synthetic=False)


# --- outreach


def who(service: str, number: int = 1, url: str | None = None) -> Member:
    """Return a member of some service whose newest mention has ``url``."""
    made: Mention = crisis.mention(number, crisis.NOW, "acme " * 100, synthetic=True)
    author = Author(service=service, id=f"a{number}", handle=f"h{number}", followers=5)
    return select_members([made.model_copy(update={"author": author, "url": url})], ALL)[0]


def test_outreach_keeps_to_the_policy_of_each_service() -> None:
    """Unknown services are withheld and counted, unless the operator has an agreement."""
    members = [who("mastodon", 1), who("reddit", 2), who("reddit", 3), who("x", 4)]
    listed = outreach_list(members)
    assert [one.author.service for one in listed.members] == ["mastodon"]
    assert listed.withheld == {"reddit": 2, "x": 1}
    agreed = outreach_list(members, ["Reddit"])
    assert len(agreed.members) == 3
    assert agreed.withheld == {"x": 1}


def test_outreach_rows_fit_their_columns() -> None:
    """A row has a cell for each column, a short text, and web addresses alone."""
    (row,) = outreach_list([who("mastodon", url="javascript:alert(1)")]).rows()
    told = dict(zip(COLUMNS, row, strict=True))
    assert told["top_post"] is None
    assert (told["handle"], told["followers"], told["mentions"]) == ("h1", 5, 1)
    assert told["synthetic"] == "yes"
    assert len(str(told["top_post_text"])) == EXCERPT
    (linked,) = outreach_list([who("mastodon", url="https://m.example/1")]).rows()
    assert "https://m.example/1" in linked
