"""Routes of one database: its connection, events, password and restoration."""

from domain.callers import Scope
from domain.errors import (
    InvalidDuration,
    InvalidRequest,
    PasswordChanged,
    SecretUnknown,
    StaleRecord,
)
from entrypoints.formats import FORMATS, NotAcceptable, NotExpressible
from entrypoints.http.api.handlers import database_actions, event_stream
from entrypoints.http.api.routes import parameters as params
from entrypoints.http.api.routes.route import Answer, Route, Tag
from entrypoints.http.api.routes.shared import (
    ETAG_HEADER,
    FIND_ERRORS,
    LOOKUP_ERRORS,
    PROVIDER_ERRORS,
    REGISTRY_ERRORS,
    VERIFIED_HEADER,
)
from entrypoints.http.api.schemas.connections import RevealedConnectionResponse
from entrypoints.http.api.schemas.databases import (
    DatabaseWithConnectionResponse,
    DatabaseWithNewPasswordResponse,
    RestoreDatabaseRequest,
    RotatePasswordRequest,
)

CONNECTION_BODIES = {form.media_type: None for form in FORMATS.values()} | {
    "application/json": RevealedConnectionResponse
}

DATABASE_ACTION_ROUTES = (
    Route(
        method="GET",
        path="/v1/databases/{id}/connection",
        handler=database_actions.show_connection,
        scope=Scope.READ,
        name="showConnection",
        tag=Tag.DATABASES,
        summary="Get the connection of a database",
        description=(
            "Returns the connection of a ready database, including the password, as JSON or in the "
            "format of a tool."
        ),
        reveals=True,
        parameters=(params.HANDLE, params.FORMAT, params.VERIFY),
        answers=(
            Answer(
                status=200,
                description="The connection, including the password.",
                body=CONNECTION_BODIES,
                headers=ETAG_HEADER | VERIFIED_HEADER,
            ),
        ),
        errors=(
            *LOOKUP_ERRORS,
            SecretUnknown,
            PasswordChanged,
            InvalidRequest,
            NotAcceptable,
            NotExpressible,
            *PROVIDER_ERRORS,
        ),
    ),
    Route(
        method="GET",
        path="/v1/databases/{id}/events",
        handler=event_stream.stream_events,
        scope=Scope.READ,
        name="watchDatabase",
        tag=Tag.DATABASES,
        summary="Watch a database",
        description=(
            "Streams each step of the database as a server-sent event, from the first step until "
            "no operation is in progress."
        ),
        parameters=(params.HANDLE, params.LAST_EVENT),
        answers=(
            Answer(
                status=200,
                description="`step` for each step, then `settled` with the record.",
                body={"text/event-stream": None},
            ),
            Answer(status=204, description="There are no further events: do not reconnect."),
        ),
        errors=(*FIND_ERRORS, InvalidRequest, *REGISTRY_ERRORS),
    ),
    Route(
        method="POST",
        path="/v1/databases/{id}/rotate",
        handler=database_actions.rotate_password,
        scope=Scope.MANAGE,
        name="rotatePassword",
        tag=Tag.DATABASES,
        summary="Rotate the password of a database",
        description=(
            "Sets a new password and returns the connection; the old password stops working. "
            "Sessions stay open unless `end_sessions` is true; `sessions_ended` shows whether they "
            "were ended."
        ),
        parameters=(params.HANDLE,),
        body=RotatePasswordRequest,
        needs_body=False,
        answers=(
            Answer(
                status=200,
                description="The database with its new password.",
                body=DatabaseWithNewPasswordResponse,
                headers=ETAG_HEADER,
            ),
        ),
        errors=(*LOOKUP_ERRORS, StaleRecord, *PROVIDER_ERRORS),
    ),
    Route(
        method="POST",
        path="/v1/databases/{id}/restore",
        handler=database_actions.restore_database,
        scope=Scope.MANAGE,
        name="restoreDatabase",
        tag=Tag.DATABASES,
        summary="Restore an expired database",
        description=(
            "Reopens an expired database within `PGVEND_GRACE_PERIOD`. Without a `ttl` it gets the "
            "default one."
        ),
        parameters=(params.HANDLE,),
        body=RestoreDatabaseRequest,
        needs_body=False,
        answers=(
            Answer(
                status=200,
                description="The restored database.",
                body=DatabaseWithConnectionResponse,
                headers=ETAG_HEADER,
            ),
        ),
        errors=(*LOOKUP_ERRORS, StaleRecord, InvalidDuration, *PROVIDER_ERRORS),
    ),
)
