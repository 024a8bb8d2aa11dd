"""Rules made in the dashboard, beside those of alerts.yml, which are read-only there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from core.errors import ConfigurationError, Problem, UsageError
from core.loading import check_rule
from core.rules import RULES, Rule

if TYPE_CHECKING:
    from app.bootstrap import Application

OWN = "own rules"
"""Where the problems of such rules are said to be."""


@dataclass(frozen=True, slots=True)
class KnownRule:
    """A rule, where it comes from, and why it watches nothing where something is wrong with it.

    ``data`` is what one made in the dashboard was written as.
    """

    rule: Rule
    is_provisioned: bool
    problem: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def all_rules(application: Application) -> list[KnownRule]:
    """Return the rules of alerts.yml, then those made in the dashboard by their names.

    One of the latter whose topic is gone, or that another version wrote, is kept with its problem.
    """
    provisioned = application.configuration.alerts
    known = [KnownRule(rule, is_provisioned=True) for rule in provisioned]
    names = {rule.name.casefold() for rule in provisioned}
    for data in application.state.own_rules():
        try:
            rule = RULES.validate_python(data)
        except ValidationError as err:
            named = {"name": str(data.get("name")), "kind": str(data.get("kind"))}
            broken = Rule.model_construct(None, **named)  # type: ignore[arg-type]
            message = err.errors(include_url=False)[0]["msg"]
            known.append(KnownRule(broken, False, f"cannot be read: {message}", data))
            continue
        problems = [message for _, message in check_rule(rule, application.configuration)]
        if rule.name.casefold() in names:
            problems = ["a rule of this name stands in alerts.yml"]
        problem = f"{problems[0]}; it rings nobody" if problems else None
        known.append(KnownRule(rule, False, problem, data))
    return known


def rules_by_name(application: Application) -> dict[str, KnownRule]:
    """Return the rules by their names; of two called the same, the one of alerts.yml."""
    found: dict[str, KnownRule] = {}
    for known in all_rules(application):
        found.setdefault(known.rule.name, known)
    return found


def save_own_rule(
    application: Application, data: dict[str, Any], *, replaces: str | None = None
) -> Rule:
    """Check and keep a rule made in the dashboard, in place of the one called ``replaces``.

    ``data`` is plain: what an entry of alerts.yml says. One that gets another name goes on with
    its incidents, their marks, and who unsubscribed.

    Raises ConfigurationError with every problem, the keys as in alerts.yml.
    """
    rule = parse_rule(data)
    problems = [
        Problem(OWN, key, text) for key, text in check_rule(rule, application.configuration)
    ]
    taken = {
        known.rule.name.casefold()
        for known in all_rules(application)
        if known.is_provisioned or known.rule.name != replaces
    }
    if rule.name.casefold() in taken:
        problems.append(Problem(OWN, "name", f"another rule is called {rule.name!r}"))
    if problems:
        raise ConfigurationError(problems)
    # As it was written: what a later version makes of a default stays open.
    data = {**data, "name": rule.name}
    if any(known.name == replaces for known in application.configuration.alerts):
        # What is kept under the old name is that of the rule in the file.
        application.state.save_own_rule(rule.name, data)
        application.state.delete_own_rule(str(replaces))
    else:
        application.state.save_own_rule(rule.name, data, replaces=replaces)
    return rule


def delete_own_rule(application: Application, name: str) -> None:
    """Forget a rule made in the dashboard. Raises UsageError for one of alerts.yml."""
    if any(rule.name == name for rule in application.configuration.alerts):
        raise UsageError(f"{name!r} stands in alerts.yml; delete it there")
    application.state.delete_own_rule(name)


def restore_own_rule(application: Application, data: Mapping[str, Any]) -> None:
    """Bring a deleted rule back as it was, whatever was wrong with it.

    ``data`` is that of its ``KnownRule``. Raises UsageError where its name was taken since.
    """
    name = str(data["name"])
    if name.casefold() in {known.rule.name.casefold() for known in all_rules(application)}:
        raise UsageError(f"another rule is called {name!r} now")
    application.state.save_own_rule(name, data)


def parse_rule(data: dict[str, Any]) -> Rule:
    """Return the rule that ``data`` describes. Raises ConfigurationError with every problem."""
    try:
        return RULES.validate_python(data)
    except ValidationError as err:
        problems = []
        for error in err.errors(include_url=False):
            # The first part names the kind.
            key = ".".join(str(part) for part in error["loc"][1:]) or "kind"
            message = str(error["msg"]).removeprefix("Value error, ")
            problems.append(Problem(OWN, key, message))
        raise ConfigurationError(problems) from err
