"""A string that does not print itself."""

import hmac
from typing import ClassVar

from domain.errors import SecretUnknown


class Secret:
    """A password or a key; only `reveal()` shows it, so that every showing can be searched for."""

    __slots__ = ("_value",)

    is_known: ClassVar[bool] = True

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself: for the wire, never for a log or a message."""
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
        raise TypeError("a Secret is not serialised; reveal it where it has to leave the process")


class MissingSecret(Secret):
    """One that nobody here has: it cannot be revealed, so that no wrong one takes its place."""

    __slots__ = ()

    is_known: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__("")

    def reveal(self) -> str:
        """Raises SecretUnknown."""
        raise SecretUnknown

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)
