"""How the demo's people type."""

from __future__ import annotations

import random

import pytest

from demo.grammar import Writer, load_swaps
from demo.people import make_did, make_handle
from demo.voices import slip, speak, stretch, swap
from demo.wire_services import make_cid, mastodon_html, tag_facets

TEXT = "I don't know why, but every parcel from PD123456789GB is late again. Please help."


@pytest.mark.parametrize("seed", range(20))
def test_a_slip_spares_what_must_stay_findable(seed: int) -> None:
    """Typing slips never touch hashtags, handles, links and numbers."""
    rng = random.Random(seed)
    text = "waiting for #Pendrake and @pendrake_help at coupons.example since yesterday evening"
    slipped = slip(text, rng)
    for kept in ("#Pendrake", "@pendrake_help", "coupons.example"):
        assert kept in slipped


def test_slips_happen() -> None:
    """Most texts with long words change by a slip, and stay about as long."""
    texts = [slip(TEXT, random.Random(seed)) for seed in range(50)]
    assert sum(text != TEXT for text in texts) > 40
    assert all(abs(len(text) - len(TEXT)) <= 2 for text in texts)


@pytest.mark.parametrize(
    "voice", ["terse", "rant", "teen", "formal", "engineer", "chatty", "plain"]
)
def test_order_numbers_survive_every_voice(voice: str) -> None:
    """Whoever types, the number of the parcel can still be read."""
    for seed in range(20):
        assert "PD123456789GB" in speak(TEXT, voice, random.Random(seed), "Hallam")


def test_voices_differ() -> None:
    """A teenager, an angry customer and an old lady do not sound alike."""
    spoken = {
        voice: speak(TEXT, voice, random.Random(3), "Hallam")
        for voice in ("plain", "rant", "teen", "formal")
    }
    assert len(set(spoken.values())) == 4
    assert spoken["teen"][:1].islower()
    assert "!" in spoken["rant"] or spoken["rant"] != spoken["rant"].lower()


def test_words_are_exchanged_in_their_case() -> None:
    """An exchanged word keeps its capital, and hashtags are never exchanged."""
    swaps = load_swaps()
    found = {swap("Nobody came. #nobody", random.Random(seed)) for seed in range(60)}
    assert found == {"Nobody came. #nobody"} | {
        f"{other[:1].upper()}{other[1:]} came. #nobody" for other in swaps["nobody"]
    }


def test_a_word_is_drawn_out() -> None:
    """Stretching repeats a vowel, once in the text."""
    assert stretch("that is so so late", random.Random(1)).startswith("that is soo")
    assert stretch("nothing to see", random.Random(1)) == "nothing to see"


def test_handles_and_ids_are_what_services_allow() -> None:
    """Handles are ASCII; a DID is what its handle decides."""
    rng = random.Random(5)
    handles = {make_handle(rng, Writer(rng), "Álvaro", "Mbeki-Shaw") for _ in range(40)}
    assert all(handle.isascii() and handle for handle in handles)
    assert make_did("ann.bsky.example") == make_did("ann.bsky.example") != make_did("bob")
    assert len(make_did("ann")) == len("did:plc:") + 24
    assert make_cid("at://x").startswith("bafyrei")


def test_strangers_markup_is_escaped() -> None:
    """What looks like markup in a text is text in the status, and tags become links."""
    content = mastodon_html("a <b>bold</b> #Tag\nline", "home.example")
    assert "&lt;b&gt;" in content
    assert 'href="https://home.example/tags/tag"' in content
    assert "<br />line" in content


def test_facets_count_bytes() -> None:
    """The offsets of a hashtag count UTF-8 bytes, not characters."""
    facet = tag_facets("¿Qué? 📦 #Pendrake")[0]
    assert facet["index"] == {"byteStart": 13, "byteEnd": 22}
