"""Who works on what, across all replicas of the service."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager


class Leases(ABC):
    """A lease says that somebody is at work; it ends with the work, or with the process, however
    that ends. It saves doing a thing twice, and tells work that goes on from work that died.

    It is no lock: whoever was cut off from the registry may go on without knowing that its lease
    is over. What must not happen twice is prevented by the records' versions.
    """

    @abstractmethod
    def held(self, name: str) -> AbstractAsyncContextManager[bool]:
        """Try once to be the one who holds `name`, for the time of the body, which is told whether
        it does. Of two bodies at the same time, here or in another process, one is told so.

        Entering raises Unavailable. Leaving never does; it gives back what was taken.
        """
