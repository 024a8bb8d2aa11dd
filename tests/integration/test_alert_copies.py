"""Rules count stories: copies of a text wake nobody, and mails say how many there were."""

from __future__ import annotations

from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from app.alerting import Outcome, evaluate_rules
from app.bootstrap import Application
from core.mention import Mention
from tests.fakes import crisis


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a home with weeks of calm."""
    folder = crisis.write_home(tmp_path)
    application = crisis.open_home(folder, lambda: crisis.NOW)
    application.index.apply(crisis.ordinary(), crisis.NOW)
    application.close()
    return folder


def as_copies(mentions: Sequence[Mention]) -> list[Mention]:
    """Return other mentions that repeat these."""
    found = []
    for mention in mentions:
        assert mention.enrichment is not None
        made = mention.enrichment.model_copy(update={"is_copy": True})
        found.append(mention.model_copy(update={"id": f"copy-{mention.id}", "enrichment": made}))
    return found


def crisis_mentions(count: int) -> list[Mention]:
    """Return the angry mentions of the last hour."""
    return list(crisis.crisis(count, crisis.BEGAN, crisis.NOW - crisis.BEGAN))


def mails(application: Application) -> list[EmailMessage]:
    """Return what was written into the folder of mails."""
    return [
        message_from_bytes(file.read_bytes(), policy=policy.default)
        for file in sorted((application.home / "mail").glob("*.eml"))
    ]


def test_copies_alone_wake_nobody(folder: Path) -> None:
    """An hour of nothing but copies fires neither rule."""
    application = crisis.open_home(folder, lambda: crisis.NOW)
    application.index.apply(as_copies(crisis_mentions(60)), crisis.NOW)
    outcomes = evaluate_rules(application)
    assert [one.outcome for one in outcomes] == [Outcome.QUIET, Outcome.QUIET]
    application.close()


def test_a_crisis_is_told_with_its_copies_beside_it(folder: Path) -> None:
    """What was told first fires the rules as ever; the mail counts the copies too and says so."""
    application = crisis.open_home(folder, lambda: crisis.NOW)
    angry = crisis_mentions(60)
    application.index.apply([*angry, *as_copies(angry[:25])], crisis.NOW)
    outcomes = evaluate_rules(application)
    assert [one.outcome for one in outcomes] == [Outcome.TOLD, Outcome.TOLD]
    texts = [mail.get_body(("plain",)) for mail in mails(application)]
    assert all("of them are copies" in text.get_content() for text in texts if text is not None)
    assert len(texts) == 2
    application.close()
