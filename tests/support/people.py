"""Callers with API keys."""

from typing import Any

from domain.callers import Caller, Scope

CALLER_SCOPES = frozenset(Scope) - {Scope.ADMIN}


def create_caller(name: str, **more: Any) -> Caller:
    """Return a caller with all scopes except admin."""
    return Caller(name=name, **{"scopes": CALLER_SCOPES} | more)


ANN, BOB = create_caller("ann"), create_caller("bob")

OPERATOR = create_caller("operator", scopes=frozenset({Scope.ADMIN}))
