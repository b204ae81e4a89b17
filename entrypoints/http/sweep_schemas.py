"""The bodies about a sweep."""

from typing import Self

from pydantic import BaseModel

from domain.upkeep import Upkeep
from entrypoints.http.schemas import Body
from ports.driving.sweep import Finding


class SweepBody(Body):
    dry_run: bool = False


class FindingOut(BaseModel):
    action: Upkeep
    id: str
    database: str
    outcome: str
    detail: str

    @classmethod
    def of(cls, finding: Finding) -> Self:
        return cls(
            action=finding.action,
            id=finding.id,
            database=finding.database,
            outcome=finding.outcome,
            detail=finding.detail,
        )


class SweptOut(BaseModel):
    findings: list[FindingOut]
