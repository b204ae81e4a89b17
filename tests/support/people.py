"""Callers with API keys."""

from typing import Any

from domain.callers import Caller, Scope

USUAL = frozenset(Scope) - {Scope.ADMIN}


def person(name: str, **more: Any) -> Caller:
    """Return a caller with all scopes except admin."""
    return Caller(name=name, **{"scopes": USUAL} | more)


ANN, BOB = person("ann"), person("bob")

OPERATOR = person("operator", scopes=frozenset({Scope.ADMIN}))
