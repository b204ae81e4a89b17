"""Callers with keys of their own."""

from typing import Any

from domain.caller import Caller, Scope

USUAL = frozenset(Scope) - {Scope.ADMIN}


def person(name: str, **more: Any) -> Caller:
    """Who may do everything with databases of its own."""
    return Caller(name=name, **{"scopes": USUAL} | more)


ANN, BOB = person("ann"), person("bob")

OPERATOR = person("operator", scopes=frozenset({Scope.ADMIN}))
