"""Routes of databases and their records."""

from domain.callers import Scope
from domain.errors import (
    CountMismatch,
    DatabaseNotFound,
    ExtensionUnavailable,
    InFlight,
    InvalidDuration,
    InvalidExpiry,
    InvalidLabels,
    InvalidPageToken,
    InvalidRequest,
    OtherSource,
    OtherTarget,
    PasswordChanged,
    StaleRecord,
    TemplateNotFound,
)
from entrypoints.http.api.handlers import databases
from entrypoints.http.api.routes import parameters as params
from entrypoints.http.api.routes.route import Answer, Route, Tag
from entrypoints.http.api.routes.shared import (
    CHANGE_ERRORS,
    COPY_ERRORS,
    CREATE_ERRORS,
    ETAG_HEADER,
    FIND_ERRORS,
    LOCATION_HEADER,
    PREFERENCE_HEADER,
    PROVISION_ERRORS,
    REGISTRY_ERRORS,
)
from entrypoints.http.api.schemas.databases import (
    ChangeDatabaseRequest,
    CreateDatabaseRequest,
    DatabasePageResponse,
    DatabaseResponse,
    DatabaseWithConnectionResponse,
    DeletedDatabasesResponse,
)

DATABASE_ROUTES = (
    Route(
        method="POST",
        path="/v1/databases",
        handler=databases.create_database,
        scope=Scope.CREATE,
        name="createDatabase",
        tag=Tag.DATABASES,
        summary="Create a database",
        description=(
            "Returns the connection, including the password. With `template` or `from` the "
            "database is a copy. With an `Idempotency-Key` the request is safe to retry. With "
            "`Prefer: respond-async` it returns at once, without a connection, and the database is "
            "created in the background. With `on_conflict: reuse`, your database of this nickname "
            "is returned if there is one, restored if it has expired, with the `ttl` and the "
            "`labels` of the request and with extensions that it lacks; this needs the scopes "
            "`create`, `read` and `manage`."
        ),
        parameters=(params.IDEMPOTENCY, params.PREFER),
        body=CreateDatabaseRequest,
        answers=(
            Answer(
                status=200,
                description="With `on_conflict: reuse`: the database existed, and is ready.",
                body=DatabaseWithConnectionResponse,
                headers=LOCATION_HEADER | ETAG_HEADER,
            ),
            Answer(
                status=201,
                description="The database is new, and ready.",
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
            *COPY_ERRORS,
            DatabaseNotFound,
            TemplateNotFound,
            OtherSource,
            PasswordChanged,
            StaleRecord,
            InvalidDuration,
            InvalidLabels,
            ExtensionUnavailable,
            *PROVISION_ERRORS,
        ),
    ),
    Route(
        method="GET",
        path="/v1/databases",
        handler=databases.list_databases,
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
        handler=databases.show_database,
        scope=Scope.READ,
        name="showDatabase",
        tag=Tag.DATABASES,
        summary="Get a database",
        description="Returns the record, without secrets, and its version as `ETag`.",
        parameters=(params.HANDLE, params.SIZE),
        answers=(
            Answer(
                status=200, description="The record.", body=DatabaseResponse, headers=ETAG_HEADER
            ),
        ),
        errors=(*FIND_ERRORS, InvalidRequest, *REGISTRY_ERRORS),
    ),
    Route(
        method="PATCH",
        path="/v1/databases/{id}",
        handler=databases.change_database,
        scope=Scope.MANAGE,
        name="changeDatabase",
        tag=Tag.DATABASES,
        summary="Change expiry or labels",
        description=(
            "`expires_at` is the time of expiry, `ttl` the time until then, counted from now. Send "
            "one of them; null removes the expiry, unless the service has a maximum. `labels` "
            "replace all labels. With `If-Match` the record is only changed if it has one of these "
            "versions."
        ),
        parameters=(params.HANDLE, params.IF_MATCH),
        body=ChangeDatabaseRequest,
        answers=(
            Answer(
                status=200, description="The record.", body=DatabaseResponse, headers=ETAG_HEADER
            ),
        ),
        errors=(*CHANGE_ERRORS, InvalidDuration, InvalidExpiry, InvalidLabels, *REGISTRY_ERRORS),
    ),
    Route(
        method="DELETE",
        path="/v1/databases/{id}",
        handler=databases.delete_database,
        scope=Scope.MANAGE,
        name="deleteDatabase",
        tag=Tag.DATABASES,
        summary="Delete a database",
        description=(
            "Deletes the database with everything in it and disconnects its users, in the "
            "background. The record stays. The call is safe to retry; it takes the "
            "id alone, because a name may stand for a database that was created since."
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
        method="DELETE",
        path="/v1/databases",
        handler=databases.delete_databases,
        scope=Scope.MANAGE,
        name="deleteDatabases",
        tag=Tag.DATABASES,
        summary="Delete all databases with a label",
        description=(
            "Deletes your databases that have all of the labels, or everybody's for an admin, in "
            "the background. Those that are being deleted already do not count. If `count` is not "
            "their number, nothing is deleted: so a repeated request deletes nothing new."
        ),
        parameters=params.DELETE_PARAMETERS,
        answers=(
            Answer(
                status=202,
                description="The databases are being deleted.",
                body=DeletedDatabasesResponse,
            ),
        ),
        errors=(InvalidRequest, InvalidLabels, CountMismatch, OtherTarget, *REGISTRY_ERRORS),
    ),
)
