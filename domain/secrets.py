"""Secrets: strings that do not appear in logs and messages."""

import hmac
from typing import ClassVar

from domain.errors import SecretUnknown


class Secret:
    """A password or key. Only `reveal()` returns it, so that each use can be found by a search."""

    __slots__ = ("_value",)

    is_known: ClassVar[bool] = True

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the plain text: for the wire, never for a log or a message."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a Secret cannot be serialized; call reveal() to send it")


class MissingSecret(Secret):
    """A secret that is not configured. It cannot be revealed, so that no wrong one is used."""

    __slots__ = ()

    is_known: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__("")

    def reveal(self) -> str:
        """Raise SecretUnknown."""
        raise SecretUnknown

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)
