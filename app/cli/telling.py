"""Commands that tell and hand out: alerts, audience."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from app.audience import ExportKind
from app.cli.session import session, table
from core.errors import UsageError
from core.sections import parse_duration

if TYPE_CHECKING:
    from app.previewing import Preview
    from app.rehearsing import Promise
    from app.replaying import Episode

MINUTE = "%Y-%m-%d %H:%M"

NO_RULES = (
    "No rule: write one in alerts.yml, make one on the page Alerts, or run groundswell track."
)

alerts = typer.Typer(
    help="Rules, what they found, and what they would have told.", no_args_is_help=True
)
audience = typer.Typer(help="Segments of authors, and their exports.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.add_typer(alerts, name="alerts")
    app.add_typer(audience, name="audience")
    app.command()(report)


@alerts.command(name="list")
def list_alerts() -> None:
    """List the rules with what they are doing, and the incidents of the last 30 days."""
    from alerts.late import late_words
    from app.handling import IncidentDesk
    from app.queries import Queries
    from app.verdicts import learning_words
    from core.rules import topics_of

    with session.application() as application:
        queries = Queries(application)
        rules, records = queries.rules(), IncidentDesk(application).records()
        incidents = queries.incidents(application.clock() - timedelta(days=30))
        shown = table("", "rule", "topic", "kind", "state")
        for state in rules:
            words = state.problem or state.words or "quiet"
            if state.is_open:
                words = "open"
            elif state.learning:
                words = learning_words(state.learning, state.rule.kind)
            topics = ", ".join(topics_of(state.rule))
            shown.add_row(Text(state.rule.name), Text(topics), str(state.rule.kind), Text(words))
        for incident in incidents:
            ended = f"resolved {incident.resolved_at:{MINUTE}}" if incident.resolved_at else "open"
            if incident.ended_because:
                ended = f"ended {incident.resolved_at:{MINUTE}}: {incident.ended_because}"
            if late := incident.first.late:
                ended += f", {late_words(late, incident.opened_at, 'UTC')}"
            opened = f"incident {incident.opened_at:{MINUTE}}"
            shown.add_row(Text(incident.rule), Text(incident.topic), opened, Text(ended))
        data = {
            "rules": [
                {
                    "name": state.rule.name,
                    "kind": state.rule.kind,
                    "topic": ", ".join(topics_of(state.rule)),
                    "is_open": state.is_open,
                    "is_provisioned": state.is_provisioned,
                    "problem": state.problem,
                    "state": state.words,
                    "record": records.get(state.rule.name),
                    "learning": learning_words(state.learning, state.rule.kind)
                    if state.learning
                    else None,
                }
                for state in rules
            ],
            "incidents": incidents,
        }
        proposed = [
            Text(f"{state.rule.name}: {record.budget.words}.")
            for state in rules
            if (record := records.get(state.rule.name)) and record.budget
        ]
        session.show(data, Group(shown, *proposed) if rules or incidents else Text(NO_RULES))


@alerts.command()
def evaluate(
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Only this rule; may be repeated.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be told; save and send nothing.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Evaluate until stopped.")] = False,
    every: Annotated[
        str | None, typer.Option(help="How often with --watch.", show_default="60s")
    ] = None,
) -> None:
    """Evaluate the rules now (or as of --now) and deliver what is to be told."""
    from app.alerting import Outcome, RuleOutcome, evaluate_rules, watch_rules
    from app.cli.collecting import stop_on_signals
    from app.delivering import Sent

    if watch and (dry_run or rule):
        raise UsageError("--watch evaluates all rules and tells: leave out --dry-run and --rule")
    if every is not None and not watch:
        raise UsageError("--every says how often with --watch: add that, or leave it out")
    if watch:
        stop = stop_on_signals()

        def tell(outcome: RuleOutcome | Sent) -> None:
            if isinstance(outcome, Sent):
                session.say(f"{outcome.delivery.key} {outcome.state.value}: {outcome.words}")
            elif outcome.outcome is Outcome.QUEUED:
                session.say(f"{outcome.rule}: {outcome.message}")

        with session.application(producer="alerts") as application:
            watch_rules(application, _duration(every or "60s"), stop, tell)
        return
    with session.application(producer="alerts") as application:
        outcomes = evaluate_rules(application, rule or [], dry_run=dry_run)
    shown = table("", "rule", "topic", "outcome", "what", "mail")
    for one in outcomes:
        words = (one.rule, one.topic, one.outcome.value, one.message, one.destination or "")
        shown.add_row(*map(Text, words))
    session.show({"rules": outcomes}, shown if outcomes else Text(NO_RULES))
    if any(one.outcome is Outcome.FAILED for one in outcomes):
        raise typer.Exit(1)


@alerts.command()
def preview(
    rule: Annotated[str, typer.Argument(help="The rule's name.")],
    days: Annotated[int, typer.Option(min=1, max=730, help="How far back.")] = 90,
    show: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Print the N-th mail as well.")
    ] = None,
    mails: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write every mail there, as .eml files."),
    ] = None,
) -> None:
    """Show when a rule would have fired on stored history, with its mails, and what it promises.

    Example: groundswell alerts preview "Acme volume" --days 30 --show 1 --mails /tmp/mails
    """
    from app.alerting import chosen_rules
    from app.previewing import preview as find_mails
    from app.previewing import text_of
    from app.rehearsing import can_promise, promise_words, rehearse

    with session.application() as application:
        (chosen,) = chosen_rules(application, [rule])
        found = find_mails(application, chosen, timedelta(days=days))
        if show is not None and show > len(found.mails):
            count = len(found.mails)
            there = "is 1 mail" if count == 1 else f"are {count} mails"
            raise UsageError(f"--show {show}: there {there}")
        promise = rehearse(application, chosen) if can_promise(chosen) else None
        shown = found.mails[show - 1].write() if show is not None else None
        files = _write_mails(found, mails) if mails is not None else []
    words = [*found.words, *(promise_words(promise, chosen.kind) if promise else ())]
    data = {
        "rule": rule,
        "days": found.length // timedelta(days=1),
        "episodes": found.episodes,
        "mails": [one.words for one in found.mails],
        "promise": _promise_data(promise) if promise else None,
        "words": words,
        "shown": text_of(shown) if shown else None,
        "files": files,
    }
    parts: list[RenderableType] = [_episodes(found), *map(Text, words)]
    parts += [Text(f"wrote {path}") for path in files]
    parts += [Text("\n" + text_of(shown))] if shown else []
    session.show(data, Group(*parts))


def _episodes(found: Preview) -> Table:
    """Return the episodes as a table; of kinds that compare with nothing, with what they told."""
    compared = (">observed", ">expected", ">p") if found.is_compared else ("what",)
    shown = table(found.title, ">", "since", "told", "until", *compared)
    for number, one in enumerate(found.mails, start=1):
        episode = one.episode
        at = (f"{when:{MINUTE}}" for when in (episode.started_at, episode.first_alert))
        row = [str(number), *at, f"{episode.last_alert:{MINUTE}}"]
        if found.is_compared:
            expected = f"{episode.expected:.1f}" if episode.expected is not None else "-"
            row += [str(episode.observed), expected, _chance(episode)]
            shown.add_row(*row)
        else:
            shown.add_row(*row, Text(one.words))
    return shown


def _write_mails(found: Preview, folder: Path) -> list[str]:
    """Write every mail into ``folder`` and return their paths."""
    from alerts.delivery import FolderMailer

    mailer = FolderMailer(folder)
    return [mailer.send(one.write()) for one in found.mails]


def _promise_data(promise: Promise) -> dict[str, object]:
    return {
        "false_alarms": promise.false_alarms,
        "crises": [
            {
                "more_per_hour": one.more_per_hour,
                "delay_minutes": one.delay / timedelta(minutes=1) if one.delay else None,
            }
            for one in promise.sizes
        ],
        "refused": promise.refused,
    }


@alerts.command()
def drill(
    rule: Annotated[str, typer.Argument(help="The rule's name.")],
    more: Annotated[
        int, typer.Option("--more", min=1, max=10_000, help="So many more mentions an hour.")
    ] = 60,
) -> None:
    """Play a made-up crisis into a copy of the last weeks; show what would be mailed, and when."""
    from app.alerting import chosen_rules
    from app.drilling import drill as play

    with session.application() as application:
        (chosen,) = chosen_rules(application, [rule])
        played = play(application, chosen, more)
    title = f"{played.made} made-up mentions in two hours from {played.began:{MINUTE}} on"
    shown = table(title, "told", "after", "subject", "to")
    for mail in played.mails:
        minutes = round(mail.after / timedelta(minutes=1))
        to = ", ".join(played.recipients) or "nobody is configured: a file"
        shown.add_row(f"{mail.at:{MINUTE}}", f"{minutes} min", Text(mail.subject), Text(to))
    first = played.mails[0].text if played.mails else "Nothing would be mailed."
    session.show({"drill": played}, Group(shown, Text("\n" + first)))


def report(
    out_file: Annotated[Path, typer.Option("--out", metavar="FILE.pdf", help="Where to write it.")],
    since: Annotated[
        str, typer.Option(help="From then on: a date, an instant, or an age such as 7d.")
    ] = "30d",
    until: Annotated[
        str | None, typer.Option(help="Before then: a date, an instant, or an age.")
    ] = None,
    topic: Annotated[
        list[str] | None, typer.Option("--topic", help="Only this topic; may be repeated.")
    ] = None,
) -> None:
    """Write what happened as a PDF: figures, charts, trends, incidents, mentions.

    Example: groundswell report --since 30d --topic Acme --out acme.pdf
    """
    from app.cli.asking import make_scope
    from app.reporting import write_report

    with session.application() as application:
        scope = make_scope(application, since, until, topic)
        made = write_report(application, scope, out_file)
    session.show({"file": out_file, "about": made.title, "days": made.days}, f"wrote {out_file}")


def _chance(episode: Episode) -> str:
    """Return how unlikely an episode was, or what it was instead of a burst."""
    if episode.level is not None:
        return f"level x {episode.level:.2g}"
    return f"{episode.p:.2g}" if episode.p is not None else "learning"


def _duration(text: str) -> timedelta:
    try:
        value = parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not isinstance(value, timedelta) or value < timedelta(seconds=1):
        raise UsageError(f"--every: {text!r} must be at least 1s")
    return value


@audience.command(name="list")
def list_audiences() -> None:
    """List the segments with how many authors they select now."""
    from app.audience import definition, list_segments

    with session.application() as application:
        sizes = list_segments(application)
    shown = table("", "segment", ">authors", ">mentions", "rule")
    for size in sizes:
        shown.add_row(
            Text(size.segment.name),
            f"{size.authors:,}",
            f"{size.mentions:,}",
            Text(definition(size.segment)),
        )
    session.show({"segments": sizes}, shown if sizes else "No segment; see audiences.yml.")


@audience.command()
def export(
    name: Annotated[str, typer.Argument(help="The segment's name.")],
    kind: Annotated[
        ExportKind,
        typer.Option(help="kit: no personal data, for targeting. outreach: accounts to write to."),
    ] = ExportKind.KIT,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write; else the home.")
    ] = None,
) -> None:
    """Write a segment as an activation kit or as an outreach list, with a manifest."""
    from app.audience import export_folder, export_segment

    with session.application() as application:
        folder = export_folder(application, out)
        report = export_segment(application, name, kind, folder, session.say)
    lines = [f"wrote {path}" for path in (*report.files, report.manifest)]
    for service, count in sorted(report.withheld.items()):
        lines.append(f"left out {count:,} of {service}: its terms allow no list")
    session.show(report, Text("\n".join(lines)))
