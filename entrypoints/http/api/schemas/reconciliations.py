"""Schemas of reconciliations."""

from collections.abc import Iterable
from typing import Self

from pydantic import Field

from domain.reconciliation import ReconcileAction
from entrypoints.http.api.schemas.fields import RequestBody, ResponseBody
from ports.use_cases.reconcile import ReconcileResult


class CreateReconciliationRequest(RequestBody):
    dry_run: bool = Field(False, description="True to report the actions without taking them.")


class ReconcileResultResponse(ResponseBody):
    """An action that was taken, or would be taken with `dry_run`."""

    action: ReconcileAction
    id: str
    database: str
    outcome: str
    detail: str

    @classmethod
    def from_domain(cls, result: ReconcileResult) -> Self:
        return cls(
            action=result.action,
            id=result.id,
            database=result.database,
            outcome=result.outcome,
            detail=result.detail,
        )


class ReconciliationResponse(ResponseBody):
    """The results of a reconciliation."""

    results: list[ReconcileResultResponse]

    @classmethod
    def from_domain(cls, results: Iterable[ReconcileResult]) -> Self:
        return cls(results=[ReconcileResultResponse.from_domain(result) for result in results])
