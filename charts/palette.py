"""Colours for light and dark, chosen so that colour-blind readers tell the sentiments apart.

Negative is vermilion, positive blue, neutral grey: they differ in lightness and along the
blue-yellow axis, which red-green blindness leaves intact (Okabe and Ito, Color Universal Design,
2008). Every mark has a contrast of at least 3 to 1 to its ground, text 4.5 to 1 (WCAG 2.2); a test
works both out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one ground, as #rrggbb."""

    name: str
    ground: str
    ink: str
    muted: str
    grid: str
    volume: str
    burst: str
    band: str
    negative: str
    neutral: str
    positive: str
    names: tuple[str, ...]


LIGHT = Theme(
    name="light",
    ground="#ffffff",
    ink="#17212b",
    muted="#5a6672",
    grid="#e6eaee",
    volume="#1f7a8c",
    burst="#c8460a",
    band="#b9d6dc",
    negative="#c8460a",
    neutral="#8a949e",
    positive="#1b66b0",
    names=("#1f7a8c", "#b8651b", "#6b4fa0", "#2f7d4f", "#a83f74", "#5a6672"),
)
DARK = Theme(
    name="dark",
    ground="#10181f",
    ink="#eef2f5",
    muted="#a3afba",
    grid="#26323c",
    volume="#4db3c8",
    burst="#ff8a4c",
    band="#27454f",
    negative="#ff8a4c",
    neutral="#7b8792",
    positive="#6cb2f2",
    names=("#4db3c8", "#e0a05a", "#a995e0", "#6cc28f", "#e283b0", "#a3afba"),
)
THEMES = {"light": LIGHT, "dark": DARK}
