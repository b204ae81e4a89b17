"""A service whose secret changed."""

from domain.passwords import PasswordDeriver, name_of
from domain.secrets import Secret
from tests.support.memory_service import Memory

OLD = Secret("the first secret of the service, long enough")
NEW = Secret("the second secret of the service, long enough")

UNDER_OLD = PasswordDeriver(OLD, first=name_of(OLD))
UNDER_BOTH = PasswordDeriver(NEW, previous=(OLD,), first=name_of(OLD))
UNDER_NEW = PasswordDeriver(NEW, first=name_of(OLD))
"""The old secret is lost."""


def restarted(memory: Memory, passwords: PasswordDeriver) -> Memory:
    """Return the service after a restart with other secrets."""
    again = memory.restarted()
    again.passwords = passwords
    return again
