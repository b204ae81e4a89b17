"""A look at something that pgvend stands on, before it is used."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator

from domain.checkup import Check


class Examination(ABC):
    @abstractmethod
    def examine(self) -> AsyncGenerator[Check, None]:
        """What is found, each as soon as it is, so that what was found counts when the rest takes
        too long.

        Changes nothing. A question that cannot be answered is `unknown`, and the next one is asked
        all the same. Raises PgvendError where nothing more can be found out; no text holds a secret
        or the other side's own words.
        """
