"""Schemas of templates."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from pydantic import Field

from domain.callers import Caller
from domain.database import Database
from domain.templates import describe_state
from entrypoints.http.api.schemas.databases import StepResponse
from entrypoints.http.api.schemas.fields import (
    DatabaseState,
    EndSessions,
    RequestBody,
    ResponseBody,
    SourceReference,
    TemplateName,
)
from ports.use_cases.create_template import TemplateRequest


class CreateTemplateRequest(RequestBody):
    name: TemplateName
    source: SourceReference = Field(alias="from")
    end_sessions: EndSessions = False
    shared: bool = Field(False, description="True to let all callers copy it; for admins.")

    def to_request(self, caller: Caller) -> TemplateRequest:
        return TemplateRequest(
            name=self.name,
            source=self.source,
            ends_sessions=self.end_sessions,
            is_shared=self.shared,
            caller=caller,
        )


class TemplateResponse(ResponseBody):
    """A template: a frozen database, to be copied."""

    id: str
    name: str
    state: DatabaseState
    target: str
    caller: str = Field(description="The caller that created it, and to whose quota it counts.")
    shared: bool
    source: str = Field(description="The id of the database that it is a copy of.")
    created_at: datetime
    steps: list[StepResponse]

    @classmethod
    def from_domain(cls, template: Database) -> "TemplateResponse":
        return TemplateResponse(
            id=template.id,
            name=template.nickname.text,
            state=describe_state(template),
            target=template.target.name,
            caller=template.caller,
            shared=template.is_shared,
            source=template.source,
            created_at=template.created_at,
            steps=[StepResponse.from_domain(step) for step in template.steps],
        )


class TemplateListResponse(ResponseBody):
    templates: list[TemplateResponse]

    @classmethod
    def from_domain(cls, templates: Iterable[Database]) -> Self:
        return cls(templates=[TemplateResponse.from_domain(template) for template in templates])
