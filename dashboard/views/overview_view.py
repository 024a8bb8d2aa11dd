"""Overview: is something happening, and what waits for me?"""

from __future__ import annotations

import streamlit as st

from app.answers import Overview, SentencePart, Tone, TrendRow, Worth
from app.report_pdf import render
from app.reporting import build_report
from app.scope import Scope
from dashboard import drawing, filters
from dashboard.session import Session, Viewer, answer, read_scope, viewer
from dashboard.shell import live
from dashboard.words import (
    ago,
    author_name,
    escape,
    excerpt,
    host_of,
    interval,
    number,
    percents,
    safe_href,
    short_time,
    signed,
)
from insights.sentence import describe_season, format_range

REFRESH_SECONDS = 5
SPARK_BUCKETS = 48
"""Bars of a small history: two days of hours fit a phone."""

KIND_NAMES = {
    "hashtag": "hashtag",
    "entity": "name",
    "phrase": "phrase",
    "theme": "theme",
    "discovered": "discovered theme",
    "link": "link",
    "story": "story",
}


def show(session: Session) -> None:
    """Draw the page; its numbers follow what comes in."""
    watcher = viewer(session)
    scope = read_scope(session, watcher.zone)
    _lead(session, scope)
    filters.overview_bar(session, scope)
    _live(session, scope)
    _report(session, scope)


def _found(session: Session, scope: Scope) -> Overview:
    return answer(session, ("overview", scope), lambda: session.queries.overview(scope))


@live(REFRESH_SECONDS)
def _lead(session: Session, scope: Scope) -> None:
    """Draw the sentence, or what to do before there is one."""
    found = _found(session, scope)
    if found.has_history:
        _sentence(found)
    else:
        _nothing_yet(session)


@live(REFRESH_SECONDS, is_silent=True)
def _live(session: Session, scope: Scope) -> None:
    """Draw the numbers below the sentence."""
    watcher = viewer(session)
    found = _found(session, scope)
    if not found.has_history:
        return
    _figures(found)
    left, right = st.columns([3, 2], gap="large")
    burst = next((part.scope for part in found.sentence if part.tone is Tone.ALARM), None)
    with left:
        note = "the band is what is usual" if found.usual else ""
        drawing.heading("Volume", note)
        since = burst.since if burst else None
        drawing.show_volume(found.volume, watcher, "volume", since=since, moments=found.moments)
    with right:
        drawing.heading("Net sentiment", "with its 95 % interval")
        drawing.show_net_sentiment(found.sentiment, watcher, "net", found.moments)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _bursts(found, watcher)
    with right:
        _shares(found)
        _measures(found)
        _themes(found)
    _worth(found, watcher)
    _asked(session)


def _asked(session: Session) -> None:
    """Lead to today's questions while some are open."""
    waiting = answer(session, ("waiting",), session.quality.waiting)
    if waiting:
        noun = "mention of yesterday waits" if waiting == 1 else "mentions of yesterday wait"
        st.html(
            f'<p class="gw-quiet"><a href="quality">{waiting} random {noun} for your word</a>: '
            "was the model right about them?</p>"
        )


def _report(session: Session, scope: Scope) -> None:
    """Offer what the page says as a PDF, made when it is asked for."""
    if not session.queries.index.size():
        return
    key = f"report {scope.url('overview')}"
    if st.button("PDF report", icon=":material/picture_as_pdf:"):
        with st.spinner("Drawing the report"):
            report = build_report(session.queries, scope)
            st.session_state["report"] = (key, render(report))
    held, content = st.session_state.get("report", ("", b""))
    if held == key:
        st.download_button(
            "Save the report",
            content,
            file_name="groundswell-report.pdf",
            mime="application/pdf",
            on_click="ignore",
        )


def _nothing_yet(session: Session) -> None:
    if session.queries.configuration.topics:
        drawing.empty(
            "Nothing has been collected yet",
            "Mentions show here as soon as the first ones arrive. If nothing collects, start it:",
            "groundswell run",
        )
    else:
        drawing.empty(
            "Which brand do you want to listen to?",
            "Name it on the page Track your own brand, or in a terminal:",
            'groundswell track "Acme"',
        )


def _sentence(found: Overview) -> None:
    st.html(f'<p class="gw-lead">{"".join(_part(part) for part in found.sentence)}</p>')


def _part(part: SentencePart) -> str:
    if part.scope is None:
        return escape(part.text)
    href = escape(part.scope.url("mentions"))
    return f'<a class="{part.tone.value}" href="{href}">{escape(part.text)}</a>'


def _figures(found: Overview) -> None:
    """Draw the row of totals; each says what it was before."""
    stats, before = found.stats, found.previous
    net = stats.net_sentiment
    cells = [
        ("Mentions", number(stats.mentions), f"{number(before.mentions)} before" if before else ""),
        ("Stories", number(stats.stories), "different texts"),
        ("Authors", number(stats.authors), f"{number(before.authors)} before" if before else ""),
        (
            "Net sentiment",
            signed(net.value) if net else "no data",
            f"{interval(net)}, {number(net.n)} scored" if net else "",
        ),
        ("Negative", *_negative(found)),
        ("Waiting", number(found.inbox), "for an answer"),
    ]
    shown = "".join(
        f"<div><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>"
        for name, value, note in cells
    )
    st.html(f'<dl class="gw-figures">{shown}</dl>')


def _negative(found: Overview) -> tuple[str, str]:
    """Return the negative share as a link to what it counts, and its interval and correction."""
    held = found.negative
    if held is None:
        return "no data", ""
    note = f"{percents(held.counted)}, {number(held.count)} of {number(held.counted.n)}"
    if held.corrected is not None:
        title = (
            f"Of {number(held.corrected.n)} mentions in {', '.join(held.channels)}: what the share "
            "is if the model errs there as on labelled texts"
        )
        value = f"{held.corrected.value:.0%} ({percents(held.corrected)})"
        note += f'<br><span title="{escape(title)}">{value} corrected for errors</span>'
    href = escape(held.scope.url("mentions"))
    return f'<a href="{href}">{held.counted.value:.0%}</a>', note


def _bursts(found: Overview, watcher: Viewer) -> None:
    drawing.heading("What bursts now", "against its own history")
    if not found.bursts:
        is_whole = any(part.tone is Tone.ALARM for part in found.sentence)
        text = (
            "No hashtag, name, phrase or theme stands out by itself: the topic as a whole bursts."
            if is_whole
            else "Nothing stands out. That is news too."
        )
        st.html(f'<p class="gw-quiet">{text}</p>')
        return
    st.html(f'<ol class="gw-list">{"".join(_burst(row, watcher) for row in found.bursts[:6])}</ol>')


def _burst(row: TrendRow, watcher: Viewer) -> str:
    recent = max(1, round(row.window.length.total_seconds() / 3600))
    counts = row.counts[-SPARK_BUCKETS:]
    times = "new" if row.is_new else f"{row.factor:.1f} times the usual"
    usual = "" if row.is_new else f" ({format_range(row.low, row.high)})"
    season = f"; {describe_season(row.season)}" if row.season else ""
    weekly = f", as {row.recurs.value}" if row.recurs else season
    href = escape(row.scope.url("mentions"))
    return (
        f'<li><a href="{href}"><b>{escape(row.label)}</b></a>'
        f"<small>{KIND_NAMES.get(row.kind, row.kind)}, {number(row.observed)} mentions, "
        f"{times}{usual}{weekly}{_origin(row, watcher)}</small>"
        f"{drawing.bars(counts, min(recent, len(counts)))}{_example(row)}</li>"
    )


def _origin(row: TrendRow, watcher: Viewer) -> str:
    """Return since when a term is known here, and who names it most."""
    parts = []
    if row.first_seen is not None:
        parts.append(f"first seen {ago(row.first_seen, watcher.now, watcher.zone)}")
    if row.leader is not None and row.leader_count > 1:
        who = escape(excerpt(row.leader, 40))
        parts.append(f"most by {who}, {number(row.leader_count)} times")
    return "".join(f"; {part}" for part in parts)


def _example(row: TrendRow) -> str:
    """Return the beginning of the mention that stirred most."""
    if not row.examples or row.kind == "story":
        return ""
    first = row.examples[0]
    return f"<q>{escape(excerpt(first.title or first.text, 120))}</q>"


def _shares(found: Overview) -> None:
    total = sum(entry.share.count for entry in found.shares)
    sources = found.measures.sources
    noun = "source" if sources == 1 else "sources"
    note = f"of {number(total)} mentions in {sources} {noun}" if found.shares else ""
    drawing.heading("Share of voice", note)
    if not found.shares:
        st.html(
            '<p class="gw-quiet">Add a competitor to topics.yml, in the same group, '
            "to see your share.</p>"
        )
        return
    top = max(entry.share.share for entry in found.shares) or 1.0
    rows = "".join(
        f'<li><a href="{escape(entry.scope.url("mentions"))}">{escape(entry.share.name)}</a>'
        f'<i class="{"own" if entry.is_own else "rival"}" '
        f'style="width:{100 * entry.share.share / top:.1f}%"></i>'
        f"<span>{entry.share.share:.0%}<small>{number(entry.share.count)}</small></span></li>"
        for entry in found.shares
    )
    st.html(f'<ul class="gw-shares">{rows}</ul>')


def _measures(found: Overview) -> None:
    """Draw what is known of engagement, answers and own accounts; nothing where nothing is."""
    measures, lines = found.measures, []
    if (engagement := measures.engagement) is not None:
        rate = engagement.rate
        lines.append(
            (
                "Engagement per follower",
                f"{100 * rate.value:.2g} %",
                (
                    f"{100 * rate.low:.2g} to {100 * rate.high:.2g} %, of "
                    f"{number(engagement.known)} of the newest {number(engagement.mentions)} "
                    "mentions"
                ),
            )
        )
    if (response := measures.response) is not None:
        lines.append(
            (
                "Answered within",
                short_time(response.median),
                (
                    f"median of {number(response.n)} answer{'' if response.n == 1 else 's'} by "
                    f"your accounts, {short_time(response.low)} to {short_time(response.high)}"
                ),
            )
        )
    lines += [
        (
            f"Followers of {excerpt(account.name, 30)}",
            number(account.growth.last),
            f"{account.growth.change:+,} in this time",
        )
        for account in measures.accounts[:3]
    ]
    if lines:
        cells = "".join(
            f"<div><dt>{escape(name)}</dt><dd>{value}<small>{note}</small></dd></div>"
            for name, value, note in lines
        )
        st.html(f'<dl class="gw-figures small">{cells}</dl>')


def _themes(found: Overview) -> None:
    drawing.heading("What it is about", "a mention may have several themes")
    if not found.themes:
        st.html('<p class="gw-quiet">No theme was found in these mentions.</p>')
        return
    top = max(entry.share for entry in found.themes) or 1.0
    rows = "".join(
        f'<li><a href="{escape(entry.scope.url("mentions"))}">{escape(entry.name)}</a>'
        f'<i class="{"rival" if entry.is_discovered else "own"}" '
        f'style="width:{100 * entry.share / top:.1f}%"></i>'
        f"<span>{entry.share:.0%}<small>{number(entry.count)}"
        f"{' discovered' if entry.is_discovered else ''}</small></span></li>"
        for entry in found.themes
    )
    st.html(f'<ul class="gw-shares">{rows}</ul>')


def _worth(found: Overview, watcher: Viewer) -> None:
    drawing.heading("Worth sharing", "fresh, liked, not about a quarrel")
    if not found.worth:
        st.html('<p class="gw-quiet">Nothing of the last three days invites to be shared.</p>')
        return
    st.html(f'<div class="gw-worth">{"".join(_shareable(w, watcher) for w in found.worth)}</div>')


def _shareable(worth: Worth, watcher: Viewer) -> str:
    mention = worth.mention
    href = safe_href(mention.url)
    host = host_of(href or "")
    who = author_name(mention.author) if mention.author else host
    title = escape(excerpt(mention.title or mention.text, 110))
    body = f"<p>{escape(excerpt(mention.text, 150))}</p>" if mention.title else ""
    link = (
        f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer nofollow">{title}</a>'
        if href
        else title
    )
    why = " · ".join(f"{name} {value:.0%}" for name, value in worth.factors)
    label = '<span class="gw-label">synthetic</span>' if mention.synthetic else ""
    return (
        f"<article><h3>{link}</h3>{body}"
        f'<footer title="{escape(why)}"><b>{escape(excerpt(who, 40))}</b>'
        f"<span>{escape(host)}</span><time>{ago(mention.published_at, watcher.now, watcher.zone)}"
        f"</time>{label}</footer></article>"
    )
