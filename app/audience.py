"""Lists segments and writes their exports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from app.bootstrap import Application
from audiences.files import WrittenFile, file_name, write_csv, write_manifest, write_text
from audiences.kit import MINIMUM_GROUP, KitLine, People, build_kit, describe
from audiences.outreach import COLUMNS, outreach_list
from audiences.segments import Member, select_members
from core.errors import UsageError
from core.mention import Mention
from core.query.parser import parse
from core.questions import Selection
from core.settings import Segment

EXPIRES_AFTER = timedelta(days=30)
"""A list of people is old by then: followers, handles and wishes change."""

NAMES_ACCOUNTS = "withheld: it names accounts"
"""Stands in a kit for a definition in which an author's handle, name or id occurs."""

KIT_COLUMNS = ("value", "authors", "factor_against_others", "typical")


class ExportKind(StrEnum):
    """What is made of a segment."""

    KIT = "kit"
    OUTREACH = "outreach"


@dataclass(frozen=True, slots=True)
class SegmentSize:
    """A segment and how many authors and mentions it selects now."""

    segment: Segment
    authors: int
    mentions: int


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written, and what was left out for its service's policy."""

    segment: str
    kind: ExportKind
    authors: int
    files: tuple[Path, ...]
    manifest: Path
    withheld: dict[str, int]


def list_segments(application: Application) -> list[SegmentSize]:
    """Return every configured segment with its size now."""
    application.index.refresh()
    found = []
    for segment in application.configuration.audiences:
        members = _members(application, segment)
        found.append(SegmentSize(segment, len(members), sum(len(one.mentions) for one in members)))
    return found


def export_segment(
    application: Application,
    name: str,
    kind: ExportKind,
    folder: Path,
    tell: Callable[[str], None] = lambda _: None,
) -> ExportReport:
    """Write the export of the segment called ``name`` into ``folder`` and return what it holds.

    Raises UsageError for an unknown segment, for one that selects nobody, and for one that is too
    small for a kit.
    """
    segments = {segment.name: segment for segment in application.configuration.audiences}
    segment = segments.get(name)
    if segment is None:
        allowed = ", ".join(segments) or "none is configured; see audiences.yml"
        raise UsageError(f"no segment is named {name!r} (segments: {allowed})")
    application.index.refresh()
    members = _members(application, segment)
    if not members:
        raise UsageError(
            f"{name!r} selects no author now; loosen its query, minimum_mentions or followers"
        )
    tell(f"{len(members):,} authors in {name}")
    now = application.clock()
    stem = f"{file_name(name)}-{kind.value}-{now:%Y-%m-%d}"
    described: object = segment.model_dump(mode="json")
    if kind is ExportKind.KIT:
        files, is_named = _write_kit(application, segment, members, folder / stem)
        manifest, withheld, rows = folder / stem / "manifest.json", {}, len(members)
        described = NAMES_ACCOUNTS if is_named else described
    else:
        listed = outreach_list(members, application.configuration.settings.export.allow_services)
        if not listed.members:
            services = ", ".join(sorted(listed.withheld))
            raise UsageError(
                f"every author of {name!r} is of a service whose terms do not allow a list "
                f"({services}); if yours do, name it in settings.yml under export.allow_services"
            )
        files = [write_csv(folder / f"{stem}.csv", COLUMNS, listed.rows())]
        manifest, withheld = folder / f"{stem}.manifest.json", listed.withheld
        rows = len(listed.members)
    facts = {
        "segment": described,
        "kind": kind.value,
        "exported_at": now.isoformat(),
        "expires_at": (now + EXPIRES_AFTER).isoformat(),
        "authors": rows,
        "withheld_by_service": withheld,
        "synthetic": _is_synthetic(members),
    }
    write_manifest(manifest, files, facts)
    paths = tuple(file.path for file in files)
    return ExportReport(name, kind, rows, paths, manifest, withheld)


def _members(application: Application, segment: Segment) -> list[Member]:
    selection = Selection(
        query=parse(segment.query, application.clock()),
        topics=(segment.topic,) if segment.topic else (),
    )
    return select_members(application.index.scan(selection), segment)


def _write_kit(
    application: Application, segment: Segment, members: list[Member], folder: Path
) -> tuple[list[WrittenFile], bool]:
    """Write the kit's files; return them, and whether the definition had to be withheld."""
    if len(members) < MINIMUM_GROUP:
        raise UsageError(
            f"{segment.name!r} selects {len(members)} authors; a kit needs at least "
            f"{MINIMUM_GROUP}, so that it points at nobody"
        )
    inside = {(one.author.service, one.author.id) for one in members}
    everyone = Selection(topics=(segment.topic,) if segment.topic else ())

    def is_other(mention: Mention) -> bool:
        author = mention.author
        return author is not None and (author.service, author.id) not in inside

    others = select_members(
        filter(is_other, application.index.scan(everyone)), Segment(name=segment.name)
    )
    kit = build_kit(members, others, application.configuration.settings.time_zone)
    is_named = People([*members, *others]).stand_in(segment.query)
    shown = NAMES_ACCOUNTS if is_named else definition(segment)
    text = describe(kit, segment.name, shown, is_synthetic=_is_synthetic(members))
    files = [write_text(folder / "kit.md", text)]
    for part, lines in kit.parts.items():
        files.append(write_csv(folder / f"{part}.csv", KIT_COLUMNS, map(_row, lines)))
    return files, is_named


def _row(line: KitLine) -> tuple[str, int, float | None, str]:
    factor = round(line.factor, 2) if line.factor is not None else None
    return line.value, line.authors, factor, "yes" if line.is_typical else "no"


def definition(segment: Segment) -> str:
    """Return the segment's rule on one line."""
    parts = [segment.query]
    if segment.topic:
        parts.append(f"topic {segment.topic}")
    parts.append(f"at least {segment.minimum_mentions} mentions")
    if segment.followers.min is not None:
        parts.append(f"from {segment.followers.min:,} followers")
    if segment.followers.max is not None:
        parts.append(f"up to {segment.followers.max:,} followers")
    return ", ".join(parts)


def _is_synthetic(members: list[Member]) -> bool:
    return any(one.synthetic for member in members for one in member.mentions)


def export_folder(application: Application, named: Path | None) -> Path:
    """Return where exports go: as named, else the home's folder for them."""
    return named or application.home / "exports"
