"""How a text file is encoded: what it says (a byte order mark), UTF-8, or the likeliest guess."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import BinaryIO, NamedTuple

from core.errors import UsageError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK_BYTES = 1 << 20
_SAMPLE_BYTES = 64_000
_MOSTLY_UTF8 = 0.05


class Encoding(NamedTuple):
    """A codec's name, and what to tell the person about how it was found."""

    name: str
    note: str | None = None


def check_encoding(name: str) -> Encoding:
    """Return the encoding that a person named. Raises UsageError when there is none such."""
    try:
        codec = codecs.lookup(name)
    except LookupError as err:
        raise UsageError(f"--encoding {name!r} is not known; try utf-8 or latin-1") from err
    if not codec._is_text_encoding:
        raise UsageError(f"--encoding {name!r} does not encode text")
    return Encoding(codec.name)


def detect_encoding(path: Path) -> Encoding:
    """Return the encoding of the file at ``path``, reading it once in pieces."""
    with path.open("rb") as file:
        head = file.read(4)
        for mark, name in _MARKS:
            if head.startswith(mark):
                return Encoding(name)
        file.seek(0)
        bad_at = _first_error(file)
        if bad_at is None:
            return Encoding("utf-8")
    sample = _sample(path, 0) + b"\n" + _sample(path, max(0, bad_at - _SAMPLE_BYTES // 2))
    return _guess(sample, bad_at)


def _first_error(file: BinaryIO) -> int | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = 0
    while chunk := file.read(_CHUNK_BYTES):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as err:
            return offset + err.start
        offset += len(chunk)
    return None


def _sample(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(_SAMPLE_BYTES)


def _guess(sample: bytes, bad_at: int) -> Encoding:
    text = sample.decode("utf-8", "replace")
    foreign = sum(not char.isascii() for char in text)
    if text.count("\ufffd") <= foreign * _MOSTLY_UTF8:
        return Encoding("utf-8", f"UTF-8 but for some bytes (the first at {bad_at}), replaced")
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    name = best.encoding if best is not None else "cp1252"
    return Encoding(name, f"encoding taken for {name}; --encoding says otherwise")
