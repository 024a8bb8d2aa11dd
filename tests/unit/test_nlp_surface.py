import pytest

from nlp.surface import find_links, read_surface


def test_everything_that_stands_in_a_text_is_found() -> None:
    """Hashtags and handles come folded and bare, links whole, domains registrable, each once."""
    text = (
        "Big day! #Acme #acme #LaunchDay with @Jane_D and @bo@social.example "
        "https://shop.acme.co.uk/new?x=1#top, (see http://acme.co.uk)."
    )

    surface = read_surface(text)

    assert surface.hashtags == ("acme", "launchday")
    assert surface.handles == ("jane_d", "bo@social.example")
    assert surface.links == ("https://shop.acme.co.uk/new?x=1#top", "http://acme.co.uk")
    assert surface.domains == ("acme.co.uk",)


def test_delivered_links_come_first_and_once() -> None:
    """What the source delivered beside the text is a link of the mention."""
    surface = read_surface("see https://b.example/x", ["https://a.example/", "https://b.example/x"])

    assert surface.links == ("https://a.example/", "https://b.example/x")
    assert surface.domains == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("(https://en.example/Acme_(company))", ["https://en.example/Acme_(company)"]),
        ("[https://a.example/x]", ["https://a.example/x"]),
        ('<a href="https://a.example/x">', ["https://a.example/x"]),
        ("HTTPS://A.example/x!", ["HTTPS://A.example/x"]),
        ("http:// and https://", []),
        ("mail me: jane@acme.example", []),
    ],
)
def test_links_end_where_they_should(text: str, links: list[str]) -> None:
    """Brackets and marks around a link are not part of it."""
    assert find_links(text) == links


def test_an_address_is_no_handle_and_a_fragment_no_hashtag() -> None:
    """E-mail addresses and parts of links are neither handles nor hashtags."""
    surface = read_surface("jane@acme.example https://a.example/@bo#top")

    assert surface.handles == ()
    assert surface.hashtags == ()


@pytest.mark.parametrize(
    "text", ["", "#", "@", "# @ $", "http://[", "https://[::1", "\u202e#\u200b"]
)
def test_odd_texts_give_nothing(text: str) -> None:
    """Signs alone and broken addresses are no error."""
    surface = read_surface(text)

    assert surface.hashtags == surface.handles == ()
    assert surface.domains == () or surface.links


def test_floods_are_bounded() -> None:
    """A text of ten thousand hashtags keeps the first hundred."""
    surface = read_surface(" ".join(f"#tag{index}" for index in range(10_000)))

    assert len(surface.hashtags) == 100
    assert surface.hashtags[0] == "tag0"
