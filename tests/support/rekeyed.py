"""The service after a change of its secret."""

from domain.passwords import PasswordDeriver, name_of
from domain.secret import Secret
from tests.support.vending import Memory

OLD = Secret("the secret that there was at first, long enough")
NEW = Secret("the secret that there is from now on, long enough")

UNDER_OLD = PasswordDeriver(OLD, first=name_of(OLD))
UNDER_BOTH = PasswordDeriver(NEW, previous=(OLD,), first=name_of(OLD))
UNDER_NEW = PasswordDeriver(NEW, first=name_of(OLD))
"""The old secret is lost."""


def restarted(memory: Memory, passwords: PasswordDeriver) -> Memory:
    """Return the service after a restart with other secrets."""
    again = memory.restarted()
    again.passwords = passwords
    return again
