"""Routes of audit events."""

from domain.callers import Scope
from domain.errors import InvalidPageToken, InvalidRequest, Unavailable
from entrypoints.http.api.handlers import audit_events
from entrypoints.http.api.routes import parameters as params
from entrypoints.http.api.routes.route import Answer, Parameter, Route, Tag
from entrypoints.http.api.schemas.audit_events import AuditEventPageResponse

CALLER_FILTER = Parameter(
    place="query",
    name="caller",
    schema={"type": "string"},
    description="Only calls of this caller.",
)
SUBJECT_FILTER = Parameter(
    place="query",
    name="subject",
    schema={"type": "string"},
    description="Only calls about the database or key with this id.",
)

AUDIT_EVENT_ROUTES = (
    Route(
        method="GET",
        path="/v1/audit-events",
        handler=audit_events.list_audit_events,
        scope=Scope.ADMIN,
        name="listAuditEvents",
        tag=Tag.AUDIT,
        summary="List audit events",
        description=(
            "Returns one event for each call that changed something or revealed a password, the "
            "newest first, page by page. Follow `next_page_token` to the next page."
        ),
        parameters=(CALLER_FILTER, SUBJECT_FILTER, params.PAGE_TOKEN, params.PAGE_SIZE),
        answers=(
            Answer(status=200, description="A page of audit events.", body=AuditEventPageResponse),
        ),
        errors=(InvalidRequest, InvalidPageToken, Unavailable),
    ),
)
