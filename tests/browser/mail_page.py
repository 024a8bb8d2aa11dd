"""A mail's HTML part as a page of its own, as a mail program would show it."""

import base64
from email.message import EmailMessage


def standalone(message: EmailMessage) -> str:
    """Return the HTML part with the pictures that the mail brings in the place of their names."""
    part = message.get_body(("html",))
    assert part is not None
    html = str(part.get_content())
    for one in message.walk():
        if name := one["Content-ID"]:
            content = base64.b64encode(one.get_content()).decode()
            html = html.replace(f"cid:{str(name).strip('<>')}", f"data:image/png;base64,{content}")
    return html
