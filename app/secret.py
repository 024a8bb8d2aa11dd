"""Keys that this installation made for itself, kept in the home folder for its user alone."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from core.errors import UsageError

KEY_BYTES = 32
LINKS_VARIABLE = "GROUNDSWELL_LINK_SECRET"
LEAST_SECRET = 16


def links_key(home: Path, environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the key that signs the links in mails: from the environment, else made at first.

    Raises UsageError for a secret that is too short to be one.
    """
    told = environment.get(LINKS_VARIABLE)
    if not told:
        return kept_key(home, "links.key")
    if len(told) < LEAST_SECRET:
        raise UsageError(f"{LINKS_VARIABLE} must have at least {LEAST_SECRET} characters")
    return sha256(told.encode()).digest()


def kept_key(home: Path, name: str) -> bytes:
    """Return the key in the file ``name`` of the home folder, made at first.

    One that is not whole is made anew, which ends all that it signed.
    """
    path = home / name
    key = path.read_bytes() if path.exists() else None
    if key is not None and len(key) == KEY_BYTES:
        return key
    # Written beside it and moved in at once, so that nobody ever reads half of it.
    handle, made = tempfile.mkstemp(dir=home, prefix=f".{name}-")
    written = Path(made)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        if key is None:
            # Another process that was faster keeps its key.
            with suppress(FileExistsError):
                path.hardlink_to(written)
        else:
            written.replace(path)
    finally:
        written.unlink(missing_ok=True)
    return path.read_bytes()
