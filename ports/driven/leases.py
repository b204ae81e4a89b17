"""Leases: which replica works on what."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager


class Leases(ABC):
    """A lease shows that a process works on something. It ends with the work, or with the process.
    It avoids duplicate work, and distinguishes work in progress from interrupted work.

    A lease is not a lock: a process that lost its connection to the registry may continue after its
    lease has ended. The versions of records prevent conflicting changes of records, and the
    confirmations of a provider's calls those of databases.
    """

    @abstractmethod
    def acquire(self, name: str) -> AbstractAsyncContextManager[bool]:
        """Try to acquire the lease `name`; yields True if acquired. Of two holders at the same
        time, in this process or another, one gets True.

        Entering raises Unavailable. Leaving never raises; it releases the lease.
        """
