"""The calls about databases."""

from domain.caller import Scope
from domain.errors import (
    DatabaseNotFound,
    ExtensionUnavailable,
    IllegalTransition,
    InFlight,
    InvalidDuration,
    InvalidExpiry,
    InvalidLabels,
    InvalidNickname,
    InvalidPageToken,
    InvalidRequest,
    NameTaken,
    OtherTarget,
    OutcomeUnknown,
    PasswordChanged,
    PreconditionFailed,
    ProviderBusy,
    ProviderFull,
    ProviderLocked,
    ProviderRejected,
    QuotaReached,
    RequestReused,
    SecretUnknown,
    StaleRecord,
    Unavailable,
)
from entrypoints.formats import FORMATS, NotAcceptable, NotExpressible
from entrypoints.http import connection, databases, events, lifecycle
from entrypoints.http import parameters as given
from entrypoints.http.connection_schemas import RevealedConnectionResponse
from entrypoints.http.headers import VERIFIED
from entrypoints.http.route import Answer, Route, Tag
from entrypoints.http.schemas import (
    CreateDatabaseRequest,
    DatabasePageResponse,
    DatabaseResponse,
    DatabaseWithConnectionResponse,
    DatabaseWithNewPasswordResponse,
    RestoreDatabaseRequest,
    RotatePasswordRequest,
    UpdateDatabaseRequest,
)

VENDING = (
    InvalidNickname,
    RequestReused,
    NameTaken,
    InFlight,
    IllegalTransition,
    OtherTarget,
    SecretUnknown,
    QuotaReached,
)
REACHING = (DatabaseNotFound, IllegalTransition, InFlight, OtherTarget)
CHANGING = (*REACHING, StaleRecord, PreconditionFailed)
REGISTRY = (Unavailable,)
PROVIDING = (*REGISTRY, ProviderBusy, ProviderLocked, OutcomeUnknown, ProviderRejected)
MAKING = (*PROVIDING, ProviderFull)
"""Errors that go together: of making one, of coming back to one, of asking the provider."""

CONNECTIONS = {form.media_type: None for form in FORMATS.values()} | {
    "application/json": RevealedConnectionResponse
}

ETAG = {"ETag": "The record's version, for If-Match."}
LOCATION = {"Location": "Where the record is."}
WAS_VERIFIED = {VERIFIED: "With `verify=true`: whether the login worked, `true` or `false`."}
APPLIED = {"Preference-Applied": "`respond-async`."}

DATABASE_ROUTES = (
    Route(
        method="POST",
        path="/v1/databases",
        handler=databases.create,
        scope=Scope.CREATE,
        name="createDatabase",
        tag=Tag.DATABASES,
        summary="Have a database made, and get its credentials",
        description=(
            "The answer holds the connection, password included. With an `Idempotency-Key` the "
            "request may be repeated: it stays one database. With `Prefer: respond-async` the "
            "answer comes at once, without a connection, and the database is created in the "
            "background."
        ),
        parameters=(given.IDEMPOTENCY, given.PREFER),
        body=CreateDatabaseRequest,
        answers=(
            Answer(
                status=201,
                description="The database, ready to be used.",
                body=DatabaseWithConnectionResponse,
                headers=LOCATION | ETAG,
            ),
            Answer(
                status=202,
                description="With `Prefer: respond-async`: what will be made.",
                body=DatabaseResponse,
                headers=LOCATION | APPLIED,
            ),
        ),
        errors=(*VENDING, InvalidDuration, InvalidLabels, ExtensionUnavailable, *MAKING),
    ),
    Route(
        method="GET",
        path="/v1/databases",
        handler=databases.list_,
        scope=Scope.READ,
        name="listDatabases",
        tag=Tag.DATABASES,
        summary="Records, newest first, page by page",
        description=(
            "Records of your own databases, deleted ones too; an admin sees everybody's. "
            "Follow `next_page_token` to the next page."
        ),
        parameters=given.SEARCH,
        answers=(Answer(status=200, description="A page of records.", body=DatabasePageResponse),),
        errors=(InvalidRequest, InvalidLabels, InvalidPageToken, *REGISTRY),
    ),
    Route(
        method="GET",
        path="/v1/databases/{id}",
        handler=databases.show,
        scope=Scope.READ,
        name="showDatabase",
        tag=Tag.DATABASES,
        summary="The record of a database",
        description="The record without secrets, with its version as `ETag`.",
        parameters=(given.ID,),
        answers=(
            Answer(status=200, description="The record.", body=DatabaseResponse, headers=ETAG),
        ),
        errors=(DatabaseNotFound, *REGISTRY),
    ),
    Route(
        method="PATCH",
        path="/v1/databases/{id}",
        handler=databases.change,
        scope=Scope.MANAGE,
        name="changeDatabase",
        tag=Tag.DATABASES,
        summary="Another end, other labels",
        description=(
            "A `ttl` counts from now; `labels` replace all labels. With `If-Match` nothing "
            "changes unless the record has one of these versions."
        ),
        parameters=(given.ID, given.IF_MATCH),
        body=UpdateDatabaseRequest,
        answers=(
            Answer(status=200, description="The record.", body=DatabaseResponse, headers=ETAG),
        ),
        errors=(*CHANGING, InvalidDuration, InvalidExpiry, InvalidLabels, *REGISTRY),
    ),
    Route(
        method="DELETE",
        path="/v1/databases/{id}",
        handler=databases.delete,
        scope=Scope.MANAGE,
        name="deleteDatabase",
        tag=Tag.DATABASES,
        summary="Have a database dropped, with all that is in it; may be repeated",
        description=(
            "The database is deleted in the background, with everything in it. The record stays."
        ),
        parameters=(given.ID,),
        answers=(
            Answer(
                status=202,
                description="It is being dropped, or is gone.",
                body=DatabaseResponse,
                headers=LOCATION,
            ),
        ),
        errors=(DatabaseNotFound, StaleRecord, InFlight, OtherTarget, *REGISTRY),
    ),
    Route(
        method="GET",
        path="/v1/databases/{id}/connection",
        handler=connection.show,
        scope=Scope.READ,
        name="showConnection",
        tag=Tag.DATABASES,
        summary="The connection again, in a format of your choice",
        description=(
            "The connection of a database that is ready, password included, as JSON or in a "
            "format that a tool reads."
        ),
        reveals=True,
        parameters=(given.ID, given.FORMAT, given.VERIFY),
        answers=(
            Answer(
                status=200,
                description="The connection, password included.",
                body=CONNECTIONS,
                headers=ETAG | WAS_VERIFIED,
            ),
        ),
        errors=(
            *REACHING,
            SecretUnknown,
            PasswordChanged,
            InvalidRequest,
            NotAcceptable,
            NotExpressible,
            *PROVIDING,
        ),
    ),
    Route(
        method="GET",
        path="/v1/databases/{id}/events",
        handler=events.events,
        scope=Scope.READ,
        name="watchDatabase",
        tag=Tag.DATABASES,
        summary="What is done for a database, as server-sent events",
        description=(
            "Each step of the database as it happens, from the first one, until it is ready or "
            "has failed."
        ),
        parameters=(given.ID, given.LAST_EVENT),
        answers=(
            Answer(
                status=200,
                description="`step` for each step, from the first one, then `settled`.",
                body={"text/event-stream": None},
            ),
            Answer(status=204, description="All was told: do not come back."),
        ),
        errors=(DatabaseNotFound, InvalidRequest, *REGISTRY),
    ),
    Route(
        method="POST",
        path="/v1/databases/{id}/rotate",
        handler=lifecycle.rotate,
        scope=Scope.MANAGE,
        name="rotatePassword",
        tag=Tag.DATABASES,
        summary="A new password; the old one stops working",
        description=(
            "The answer holds the connection with the new password. Open sessions stay open "
            "unless `end_sessions` is true; `sessions_ended` says which."
        ),
        parameters=(given.ID,),
        body=RotatePasswordRequest,
        needs_body=False,
        answers=(
            Answer(
                status=200,
                description="The database with its new password.",
                body=DatabaseWithNewPasswordResponse,
                headers=ETAG,
            ),
        ),
        errors=(*REACHING, StaleRecord, *PROVIDING),
    ),
    Route(
        method="POST",
        path="/v1/databases/{id}/restore",
        handler=lifecycle.restore,
        scope=Scope.MANAGE,
        name="restoreDatabase",
        tag=Tag.DATABASES,
        summary="An expired database back, within the time of grace",
        description=(
            "Reopen an expired database within `PGVEND_GRACE_PERIOD`, with a new `ttl` where "
            "one is given."
        ),
        parameters=(given.ID,),
        body=RestoreDatabaseRequest,
        needs_body=False,
        answers=(
            Answer(
                status=200,
                description="The database, open again.",
                body=DatabaseWithConnectionResponse,
                headers=ETAG,
            ),
        ),
        errors=(*REACHING, StaleRecord, InvalidDuration, *PROVIDING),
    ),
)
