"""The page behind the signed links of mails: it says what will be done, and asks once more.

Opening a link changes nothing: programs that look for harm in mails open every one. Only the
button does, and the one click that mail programs send to unsubscribe (RFC 8058).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import HTTP
from pathlib import Path
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from alerts.handling import SNOOZE, Deed
from alerts.signing import UNSUBSCRIBE, Grant, verify
from app.bootstrap import Application
from app.handing_over import check_assignee, known_addresses
from app.handling import ACT_PATH, IncidentDesk, Links
from core.errors import GroundswellError, RetryableError, UsageError
from dashboard.words import escape

HOURS = round(SNOOZE.total_seconds() / 3600)
ASKED = {
    Deed.ACKNOWLEDGE: ("I am on it", "Say that you take care of this incident."),
    Deed.ASSIGN: ("Give it to somebody", "Say who takes care of this incident."),
    Deed.SNOOZE: (f"Quiet for {HOURS} hours", f"No mail about this incident for {HOURS} hours."),
    Deed.USEFUL: ("This was useful", "Say that this alert was worth telling."),
    Deed.NOISE: ("This was noise", "Say that this alert was not worth telling."),
}
DONE = {
    Deed.ACKNOWLEDGE: "It is written down that you are on it.",
    Deed.ASSIGN: "It is written down who takes care of it.",
    Deed.SNOOZE: f"Nothing is mailed about it for {HOURS} hours.",
    Deed.USEFUL: "Thank you. That tells how far the rule can be trusted.",
    Deed.NOISE: "Thank you. That tells how far the rule can be trusted.",
}
ONE_CLICK = "List-Unsubscribe"
TO_CHARS = 200


@dataclass(frozen=True, slots=True)
class ActPage:
    """Answers the links; ``open_application`` gives what they act on, to be closed again."""

    open_application: Callable[[], Application]

    async def answer(self, scope: Scope, body: bytes) -> Response:
        """Return the page that asks, or what came of its button. ``body`` is a form's."""
        method = scope["method"]
        if method not in ("GET", "HEAD", "POST"):
            return _page("That cannot be done here", "Open the link of the mail.", status=405)
        query = parse_qs(scope["query_string"].decode("latin-1"))
        form = _form_of(scope, body) if method == "POST" else {}
        token = (form.get("t") or query.get("t") or [""])[0]
        try:
            return await run_in_threadpool(self._act, token, form)
        except UsageError as err:
            return _page("This link does nothing", f"{_sentence(err)}.", status=403)
        except RetryableError as err:
            return _page("Not now", f"Try again in a moment: {escape(str(err))}.", status=503)
        except GroundswellError as err:
            return _page("That failed", escape(str(err)), status=500)

    def _act(self, token: str, form: dict[str, list[str]]) -> Response:
        is_meant = bool(form.get("sure"))
        application = self.open_application()
        try:
            grant = verify(token, Links(application).key, application.clock())
            if grant.action == UNSUBSCRIBE:
                is_meant = is_meant or bool(form.get(ONE_CLICK))
                return _unsubscribe(application, grant, token, is_meant=is_meant)
            return _do(application, grant, token, form, is_meant=is_meant)
        finally:
            application.close()


def _form_of(scope: Scope, body: bytes) -> dict[str, list[str]]:
    """Return the fields of a form; mail programs may send either kind (RFC 8058, 3.2)."""
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    if not kind.startswith(b"multipart/form-data"):
        return parse_qs(body.decode("utf-8", "replace"))
    form: dict[str, list[str]] = {}
    message = message_from_bytes(b"Content-Type: " + kind + b"\r\n\r\n" + body, policy=HTTP)
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            form.setdefault(name, []).append(value.decode("utf-8", "replace").strip())
    return form


def _do(
    application: Application,
    grant: Grant,
    token: str,
    form: dict[str, list[str]],
    *,
    is_meant: bool,
) -> Response:
    deed, desk = Deed(grant.action), IncidentDesk(application)
    incident = application.state.incident(grant.subject)
    if incident is None:
        raise UsageError("there is no such incident any more")
    about = f"<b>{escape(incident.rule)}</b>, opened {incident.opened_at:%d %B %Y %H:%M} UTC"
    back = f'<p><a href="/alerts?incident={escape(incident.id)}">Open the incident</a></p>'
    if is_meant:
        to = " ".join(form.get("to", [])).strip()
        try:
            # What is kept is cut to a length: only what is short is checked as a whole.
            if len(to) > TO_CHARS:
                raise UsageError(f"a name has {TO_CHARS} characters at most")
            check_assignee(application, to)
            desk.do(incident.id, deed, grant.recipient, to)
        except UsageError as err:
            return _page("That was not done", f"<p>{about}</p><p>{_sentence(err)}.</p>", status=400)
        if comment := " ".join(form.get("comment", [])).strip():
            desk.do(incident.id, Deed.COMMENT, grant.recipient, comment)
        return _page("Done", f"<p>{about}</p><p>{DONE[deed]}</p>{back}")
    button, asked = ASKED[deed]
    text = f"<p>{about}</p><p>{asked}</p>"
    handling = desk.handling(incident.id)
    if handling.acknowledged_by:
        text += f"<p>{escape(handling.acknowledged_by)} is on it already.</p>"
    label = _whom(application) if deed is Deed.ASSIGN else ""
    label += (
        '<label for="comment">Something to add (optional)</label>'
        '<input id="comment" name="comment" maxlength="500">'
    )
    return _page(button, text + _form(token, button, label) + _as(grant))


def _whom(application: Application) -> str:
    """Return the field for who is to take care, with those who are mailed here to choose from."""
    known = "".join(f'<option value="{escape(one)}">' for one in known_addresses(application))
    return (
        '<label for="to">A name, or an address that is mailed here</label>'
        f'<input id="to" name="to" list="known" maxlength="{TO_CHARS}" required>'
        f'<datalist id="known">{known}</datalist>'
    )


def _unsubscribe(application: Application, grant: Grant, token: str, *, is_meant: bool) -> Response:
    rule = f"<b>{escape(grant.subject)}</b>"
    if is_meant:
        application.outbox.mute(grant.recipient, grant.subject)
        text = f"<p>{escape(grant.recipient)} gets no more mails of the rule {rule}.</p>"
        return _page("Done", text + "<p>The Alerts page takes that back.</p>")
    text = f"<p>No more mails of the rule {rule}. Other rules go on.</p>"
    return _page("Unsubscribe", text + _form(token, "Unsubscribe", "") + _as(grant))


def _sentence(err: UsageError) -> str:
    """Return what is wrong as a sentence; names of months and rules keep their capitals."""
    text = escape(str(err))
    return text[:1].upper() + text[1:]


def _form(token: str, button: str, fields: str) -> str:
    return (
        f'<form method="post" action="{ACT_PATH}">'
        f'<input type="hidden" name="t" value="{escape(token)}">'
        f'<input type="hidden" name="sure" value="yes">{fields}'
        f'<button type="submit">{escape(button)}</button></form>'
    )


def _as(grant: Grant) -> str:
    return f'<p class="as">as {escape(grant.recipient)}, to whom the mail was sent</p>'


def _page(title: str, text: str, *, status: int = 200) -> HTMLResponse:
    """Return a page of plain HTML without a script; no cache keeps it, no search finds it."""
    style = (Path(__file__).parent / "sign_in.css").read_text(encoding="utf-8")
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>{escape(title)} - Groundswell</title><style>{style}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{text}</main></body></html>"
    )
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(html, status_code=status, headers=headers)
