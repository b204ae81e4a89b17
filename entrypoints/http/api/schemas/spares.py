"""Schemas of spares."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from domain.spares import SpareLevel
from entrypoints.http.api.schemas.fields import ResponseBody


class SpareLevelResponse(ResponseBody):
    """The spares of one template."""

    template: str = Field(
        description="The name of the template; `default` for spares without a template."
    )
    wanted: int = Field(description="The number in PGVEND_SPARES.")
    ready: int = Field(description="The spares that creations can claim now.")
    filling: int = Field(description="The spares that are being provisioned.")

    @classmethod
    def from_domain(cls, level: SpareLevel) -> Self:
        return cls(
            template=level.template, wanted=level.wanted, ready=level.ready, filling=level.filling
        )


class SpareListResponse(ResponseBody):
    spares: list[SpareLevelResponse]

    @classmethod
    def from_domain(cls, levels: Sequence[SpareLevel]) -> Self:
        return cls(spares=[SpareLevelResponse.from_domain(level) for level in levels])


class SpareTotalsResponse(ResponseBody):
    """The spares of all templates together, without the templates' names: anyone may ask."""

    wanted: int
    ready: int

    @classmethod
    def from_domain(cls, levels: Sequence[SpareLevel]) -> Self:
        return cls(
            wanted=sum(level.wanted for level in levels),
            ready=sum(level.ready for level in levels),
        )
