"""Outcomes of attacks, and the servers on which they are tried."""

from dataclasses import dataclass
from enum import StrEnum

from domain.targets import Isolation


class Outcome(StrEnum):
    """What an attack achieved; docs/security/attacks.md explains the words."""

    STOPPED = "stopped"
    VISIBLE = "visible"
    POSSIBLE = "possible"
    OWN = "own"
    """It succeeds, and affects only the attacker's own objects."""
    UNTRIED = "-"
    """The server lacks a feature that the attack needs, or an emulator's outcome would prove
    nothing about Neon."""


@dataclass(frozen=True)
class Kind:
    """One way of isolating tenants, on one version of PostgreSQL. `base` is the fixture of its
    server. With `claims_spares`, both tenants' databases were spares."""

    mode: str
    base: str
    major: int
    isolation: Isolation = Isolation.ROLE
    claims_spares: bool = False

    def __str__(self) -> str:
        return f"{self.mode} {self.major}"

    @property
    def is_neon(self) -> bool:
        return self.mode.startswith("Neon")

    @property
    def isolates(self) -> bool:
        return self.isolation is not Isolation.NONE

    @property
    def is_shared(self) -> bool:
        """Whether tenants share a server."""
        return self.isolation is not Isolation.PROJECT


EMBEDDED = "embedded"
POSTGRES = "postgres"
ROLE = "Neon `role`"
NONE = "Neon `none`"
PROJECT = "Neon `project`"

KINDS = (
    Kind(EMBEDDED, "bundled_18", 18, claims_spares=True),
    Kind(POSTGRES, "server_15", 15),
    Kind(POSTGRES, "server_16", 16, claims_spares=True),
    Kind(POSTGRES, "server_18", 18),
    Kind(ROLE, "neon", 18, claims_spares=True),
    Kind(NONE, "neon", 18, Isolation.NONE),
    Kind(PROJECT, "neon", 18, Isolation.PROJECT, claims_spares=True),
)
