"""Targets: the places to provision databases in, and the isolation between tenants there."""

from dataclasses import dataclass
from enum import StrEnum


class Isolation(StrEnum):
    """The boundary between tenants: a PostgreSQL role, a Neon project, or none."""

    NONE = "none"
    ROLE = "role"
    PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One configured place that databases are provisioned in."""

    name: str
    provider: str
    isolation: Isolation
