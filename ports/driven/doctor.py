"""The checks of `pgvend doctor` on one part of the configuration."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator

from domain.doctor import DoctorCheck


class DoctorChecks(ABC):
    @abstractmethod
    def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        """Yield each result as soon as it is known, so that it counts even if the rest takes too
        long.

        Changes nothing. A check that cannot be answered is `unknown`, and the next one runs.
        Raises PgvendError if no further check can run; no text contains a secret or a text of the
        other side.
        """
