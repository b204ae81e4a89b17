"""Schemas of audit events."""

from datetime import datetime
from typing import Self

from pydantic import Field

from domain.audit import StoredAuditEvent
from entrypoints.http.api.schemas.fields import ResponseBody
from ports.use_cases.audit_events import AuditPage


class AuditEventResponse(ResponseBody):
    """A call that changed something or revealed a password."""

    id: str
    at: datetime
    caller: str
    key: str = Field(description="The id of the API key; empty for a key from the settings.")
    action: str
    subject: str = Field(description="The id of the database or key; empty for other calls.")
    address: str
    request_id: str
    outcome: str = Field(description="`done`, or the code of the error.")

    @classmethod
    def from_domain(cls, entry: StoredAuditEvent) -> Self:
        return cls.model_validate(entry, from_attributes=True)


class AuditEventPageResponse(ResponseBody):
    """A page of audit events; `next_page_token` is empty on the last page."""

    audit_events: list[AuditEventResponse]
    next_page_token: str

    @classmethod
    def from_domain(cls, page: AuditPage) -> Self:
        events = [AuditEventResponse.from_domain(entry) for entry in page.entries]
        return cls(audit_events=events, next_page_token=page.next_page_token)
