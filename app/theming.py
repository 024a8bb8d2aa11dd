"""What the mentions of a scope are about: themes of the taxonomy, and discovered ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.answers import ThemeCount
from app.naming import name_themes, theme_names
from app.repeating import names_in
from app.scope import Scope
from core.questions import GroupField

if TYPE_CHECKING:
    from app.queries import Queries

SHOWN = 6
SHOWN_DISCOVERED = 4
FEWEST = 3
"""A discovered theme of fewer mentions is a coincidence."""


def count_themes(queries: Queries, scope: Scope, total: int) -> tuple[ThemeCount, ...]:
    """Return the themes of most of the scope's ``total`` mentions, then the discovered ones."""
    if not total:
        return ()
    selection = queries.selection(scope)
    names = theme_names(queries.configuration)
    found = [
        ThemeCount(
            name=names.get(one.value, one.value),
            count=one.count,
            share=one.count / total,
            scope=replace(scope, themes=(one.value,)),
        )
        for one in queries.index.top(selection, GroupField.THEME, SHOWN)
    ]
    top = queries.index.top(selection, GroupField.DISCOVERED, SHOWN_DISCOVERED)
    counts = {one.value: one.count for one in top if one.count >= FEWEST}
    labels = name_themes(queries, list(counts), selection, names_in(queries, scope))
    found += [
        ThemeCount(
            name=labels[theme],
            count=count,
            share=count / total,
            scope=scope.narrowed(f"discovered:{theme}"),
            is_discovered=True,
        )
        for theme, count in counts.items()
        if theme in labels
    ]
    return tuple(found)
