"""What a mention's card says of its tone."""

from datetime import UTC, datetime

import pytest

from app.answers import MentionRow
from app.overview import _item
from core.mention import Emotion, Enrichment, Mention, Sentiment
from dashboard.cards import card
from dashboard.session import Viewer

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
VIEWER = Viewer(zone="UTC", now=NOW, is_dark=False)


def _mention(**said: object) -> Mention:
    enrichment = Enrichment(content_version=(0, 1, ""), enriched_us=1, **said)  # type: ignore[arg-type]
    return Mention(id="a", text="You idiots lost it", published_at=NOW, enrichment=enrichment)


def test_emotion_and_offence_stand_on_the_card() -> None:
    """What the model is sure of is shown; blind cards say nothing of the tone."""
    mention = _mention(sentiment=Sentiment.NEGATIVE, emotion=Emotion.ANGER, is_offensive=True)
    shown = card(MentionRow(mention, (), (), None), VIEWER)
    blind = card(MentionRow(mention, (), (), None), VIEWER, is_blind=True)

    assert '<span class="gw-label">anger</span><span class="gw-label">offensive</span>' in shown
    assert "anger" not in blind
    assert "offensive" not in blind


def test_what_is_unsure_has_no_chip() -> None:
    """No emotion and no offence, or no enrichment at all, adds nothing."""
    bare = Mention(id="a", text="hello", published_at=NOW)
    for mention in (bare, _mention(is_offensive=False)):
        shown = card(MentionRow(mention, (), (), None), VIEWER)
        assert "offensive" not in shown


def test_what_is_not_read_yet_is_told_and_not_proposed() -> None:
    """Its tone follows, which is another thing than none; until then nobody is to share it."""
    brief = _mention(is_brief=True)
    assert ">not read yet</span>" in card(MentionRow(brief, (), (), None), VIEWER)
    assert ">not scored</span>" in card(MentionRow(_mention(), (), (), None), VIEWER)
    assert not _item(brief, ()).is_safe


@pytest.mark.parametrize(("is_offensive", "is_safe"), [(True, False), (False, True), (None, True)])
def test_nothing_offensive_is_proposed_for_sharing(
    is_offensive: bool | None, is_safe: bool
) -> None:
    """An offensive text is not safe for a brand, however fresh and liked."""
    assert _item(_mention(is_offensive=is_offensive), ()).is_safe is is_safe
