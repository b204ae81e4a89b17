"""A service whose secret changed."""

from domain.passwords import PasswordDeriver, derive_secret_name
from domain.secrets import Secret
from tests.support.memory_service import MemoryService

OLD_SECRET = Secret("the first secret of the service, long enough")
NEW_SECRET = Secret("the second secret of the service, long enough")

UNDER_OLD = PasswordDeriver(OLD_SECRET, first=derive_secret_name(OLD_SECRET))
UNDER_BOTH = PasswordDeriver(
    NEW_SECRET, previous=(OLD_SECRET,), first=derive_secret_name(OLD_SECRET)
)
UNDER_NEW = PasswordDeriver(NEW_SECRET, first=derive_secret_name(OLD_SECRET))
"""The old secret is lost."""


def restarted(memory: MemoryService, passwords: PasswordDeriver) -> MemoryService:
    """Return the service after a restart with other secrets."""
    again = memory.restarted()
    again.passwords = passwords
    return again
