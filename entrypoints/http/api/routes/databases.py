"""Routes of databases."""

from domain.callers import Scope
from domain.errors import (
    DatabaseNotFound,
    ExtensionUnavailable,
    InFlight,
    InvalidDuration,
    InvalidExpiry,
    InvalidLabels,
    InvalidPageToken,
    InvalidRequest,
    OtherTarget,
    PasswordChanged,
    SecretUnknown,
    StaleRecord,
)
from entrypoints.formats import FORMATS, NotAcceptable, NotExpressible
from entrypoints.http.api.handlers import (
    database_actions,
    databases,
    event_stream,
    revealed_connection,
)
from entrypoints.http.api.routes import parameters as params
from entrypoints.http.api.routes.route import Answer, Route, Tag
from entrypoints.http.api.routes.shared import (
    CREATE_ERRORS,
    ETAG_HEADER,
    LOCATION_HEADER,
    LOOKUP_ERRORS,
    PREFERENCE_HEADER,
    PROVIDER_ERRORS,
    PROVISION_ERRORS,
    REGISTRY_ERRORS,
    UPDATE_ERRORS,
    VERIFIED_HEADER,
)
from entrypoints.http.api.schemas.connections import RevealedConnectionResponse
from entrypoints.http.api.schemas.databases import (
    CreateDatabaseRequest,
    DatabasePageResponse,
    DatabaseResponse,
    DatabaseWithConnectionResponse,
    DatabaseWithNewPasswordResponse,
    RestoreDatabaseRequest,
    RotatePasswordRequest,
    UpdateDatabaseRequest,
)

CONNECTION_BODIES = {form.media_type: None for form in FORMATS.values()} | {
    "application/json": RevealedConnectionResponse
}

DATABASE_ROUTES = (
    Route(
        method="POST",
        path="/v1/databases",
        handler=databases.create,
        scope=Scope.CREATE,
        name="createDatabase",
        tag=Tag.DATABASES,
        summary="Create a database",
        description=(
            "Returns the connection, including the password. With an `Idempotency-Key` the request "
            "is safe to retry. With `Prefer: respond-async` it returns at once, without a "
            "connection, and the database is created in the background."
        ),
        parameters=(params.IDEMPOTENCY, params.PREFER),
        body=CreateDatabaseRequest,
        answers=(
            Answer(
                status=201,
                description="The database is ready.",
                body=DatabaseWithConnectionResponse,
                headers=LOCATION_HEADER | ETAG_HEADER,
            ),
            Answer(
                status=202,
                description="With `Prefer: respond-async`: the database is being created.",
                body=DatabaseResponse,
                headers=LOCATION_HEADER | PREFERENCE_HEADER,
            ),
        ),
        errors=(
            *CREATE_ERRORS,
            InvalidDuration,
            InvalidLabels,
            ExtensionUnavailable,
            *PROVISION_ERRORS,
        ),
    ),
    Route(
        method="GET",
        path="/v1/databases",
        handler=databases.list_,
        scope=Scope.READ,
        name="listDatabases",
        tag=Tag.DATABASES,
        summary="List databases",
        description=(
            "Returns the records of your databases, or of all databases for an admin, the newest "
            "first, page by page. Failed and deleted databases are only listed if `state` asks for "
            "them. Follow `next_page_token` to the next page."
        ),
        parameters=params.LIST_PARAMETERS,
        answers=(
            Answer(status=200, description="A page of databases.", body=DatabasePageResponse),
        ),
        errors=(InvalidRequest, InvalidLabels, InvalidPageToken, *REGISTRY_ERRORS),
    ),
    Route(
        method="GET",
        path="/v1/databases/{id}",
        handler=databases.show,
        scope=Scope.READ,
        name="showDatabase",
        tag=Tag.DATABASES,
        summary="Get a database",
        description="Returns the record, without secrets, and its version as `ETag`.",
        parameters=(params.ID,),
        answers=(
            Answer(
                status=200, description="The record.", body=DatabaseResponse, headers=ETAG_HEADER
            ),
        ),
        errors=(DatabaseNotFound, *REGISTRY_ERRORS),
    ),
    Route(
        method="PATCH",
        path="/v1/databases/{id}",
        handler=databases.change,
        scope=Scope.MANAGE,
        name="changeDatabase",
        tag=Tag.DATABASES,
        summary="Update expiry or labels",
        description=(
            "`expires_at` is the time of expiry, `ttl` the time until then, counted from now. Send "
            "one of them; null removes the expiry, unless the service has a maximum. `labels` "
            "replace all labels. With `If-Match` the record is only changed if it has one of these "
            "versions."
        ),
        parameters=(params.ID, params.IF_MATCH),
        body=UpdateDatabaseRequest,
        answers=(
            Answer(
                status=200, description="The record.", body=DatabaseResponse, headers=ETAG_HEADER
            ),
        ),
        errors=(*UPDATE_ERRORS, InvalidDuration, InvalidExpiry, InvalidLabels, *REGISTRY_ERRORS),
    ),
    Route(
        method="DELETE",
        path="/v1/databases/{id}",
        handler=databases.delete,
        scope=Scope.MANAGE,
        name="deleteDatabase",
        tag=Tag.DATABASES,
        summary="Delete a database",
        description=(
            "Deletes the database with everything in it and disconnects its users, in the "
            "background. The record stays. The call is safe to retry."
        ),
        parameters=(params.ID,),
        answers=(
            Answer(
                status=202,
                description="The database is being deleted, or is deleted.",
                body=DatabaseResponse,
                headers=LOCATION_HEADER,
            ),
        ),
        errors=(DatabaseNotFound, StaleRecord, InFlight, OtherTarget, *REGISTRY_ERRORS),
    ),
    Route(
        method="GET",
        path="/v1/databases/{id}/connection",
        handler=revealed_connection.show,
        scope=Scope.READ,
        name="showConnection",
        tag=Tag.DATABASES,
        summary="Get the connection of a database",
        description=(
            "Returns the connection of a ready database, including the password, as JSON or in the "
            "format of a tool."
        ),
        reveals=True,
        parameters=(params.ID, params.FORMAT, params.VERIFY),
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
        parameters=(params.ID, params.LAST_EVENT),
        answers=(
            Answer(
                status=200,
                description="`step` for each step, then `settled` with the record.",
                body={"text/event-stream": None},
            ),
            Answer(status=204, description="There are no further events: do not reconnect."),
        ),
        errors=(DatabaseNotFound, InvalidRequest, *REGISTRY_ERRORS),
    ),
    Route(
        method="POST",
        path="/v1/databases/{id}/rotate",
        handler=database_actions.rotate,
        scope=Scope.MANAGE,
        name="rotatePassword",
        tag=Tag.DATABASES,
        summary="Rotate the password of a database",
        description=(
            "Sets a new password and returns the connection; the old password stops working. "
            "Sessions stay open unless `end_sessions` is true; `sessions_ended` shows whether they "
            "were ended."
        ),
        parameters=(params.ID,),
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
        handler=database_actions.restore,
        scope=Scope.MANAGE,
        name="restoreDatabase",
        tag=Tag.DATABASES,
        summary="Restore an expired database",
        description=(
            "Reopens an expired database within `PGVEND_GRACE_PERIOD`. Without a `ttl` it gets the "
            "default one."
        ),
        parameters=(params.ID,),
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
