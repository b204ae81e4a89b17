"""Routes of extensions."""

from domain.caller import Scope
from domain.errors import (
    ExtensionUnavailable,
    InvalidRequest,
    PasswordChanged,
    ProviderFull,
    SecretUnknown,
    StaleRecord,
)
from entrypoints.http import extensions
from entrypoints.http import parameters as given
from entrypoints.http.extension_schemas import AddExtensionRequest, ExtensionListResponse
from entrypoints.http.route import Answer, Route, Tag
from entrypoints.http.schemas import DatabaseResponse
from entrypoints.http.shared_routes import ETAG, PROVIDING, REACHING

EXTENSION_ROUTES = (
    Route(
        method="GET",
        path="/v1/extensions",
        handler=extensions.list_,
        scope=Scope.READ,
        name="listExtensions",
        tag=Tag.SERVICE,
        summary="List available extensions",
        description="Returns the trusted extensions, and those that the service installs.",
        answers=(
            Answer(status=200, description="The extensions, by name.", body=ExtensionListResponse),
        ),
        errors=(InvalidRequest, *PROVIDING),
    ),
    Route(
        method="POST",
        path="/v1/databases/{id}/extensions",
        handler=extensions.add,
        scope=Scope.MANAGE,
        name="addExtension",
        tag=Tag.DATABASES,
        summary="Add an extension to a database",
        description=(
            "Installs the extension unless the database has it. Sessions stay open. The call is "
            "safe to retry."
        ),
        parameters=(given.ID,),
        body=AddExtensionRequest,
        answers=(
            Answer(
                status=200,
                description="The database with the extension.",
                body=DatabaseResponse,
                headers=ETAG,
            ),
        ),
        errors=(
            *REACHING,
            StaleRecord,
            SecretUnknown,
            PasswordChanged,
            ExtensionUnavailable,
            ProviderFull,
            *PROVIDING,
        ),
    ),
)
