"""Where databases are made, and what separates them there."""

from dataclasses import dataclass
from enum import StrEnum


class Isolation(StrEnum):
    """What separates two tenants."""

    NONE = "none"
    ROLE = "role"
    BRANCH = "branch"
    PROJECT = "project"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One configured place that databases are made in."""

    name: str
    provider: str
    isolation: Isolation
