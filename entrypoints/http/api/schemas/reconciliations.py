"""Schemas of reconciliations."""

from typing import Self

from pydantic import Field

from domain.reconciliation import Upkeep
from entrypoints.http.api.schemas.fields import Body, ResponseBody
from ports.use_cases.reconcile import Finding


class CreateReconciliationRequest(Body):
    dry_run: bool = Field(False, description="True to report the actions without taking them.")


class ReconcileResultResponse(ResponseBody):
    """An action that was taken, or would be taken with `dry_run`."""

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


class ReconciliationResponse(ResponseBody):
    """The results of a reconciliation."""

    results: list[ReconcileResultResponse]
