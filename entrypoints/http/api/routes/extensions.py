"""Routes of extensions."""

from domain.callers import Scope
from domain.errors import (
    ExtensionUnavailable,
    InvalidRequest,
    PasswordChanged,
    ProviderFull,
    SecretUnknown,
    StaleRecord,
)
from entrypoints.http.api.handlers import extensions
from entrypoints.http.api.routes import parameters as params
from entrypoints.http.api.routes.route import Answer, Route, Tag
from entrypoints.http.api.routes.shared import ETAG_HEADER, LOOKUP_ERRORS, PROVIDER_ERRORS
from entrypoints.http.api.schemas.databases import DatabaseResponse
from entrypoints.http.api.schemas.extensions import AddExtensionRequest, ExtensionListResponse

EXTENSION_ROUTES = (
    Route(
        method="GET",
        path="/v1/extensions",
        handler=extensions.list_extensions,
        scope=Scope.READ,
        name="listExtensions",
        tag=Tag.SERVICE,
        summary="List available extensions",
        description="Returns the trusted extensions, and those that the service installs.",
        answers=(
            Answer(status=200, description="The extensions, by name.", body=ExtensionListResponse),
        ),
        errors=(InvalidRequest, *PROVIDER_ERRORS),
    ),
    Route(
        method="POST",
        path="/v1/databases/{id}/extensions",
        handler=extensions.add_extension,
        scope=Scope.MANAGE,
        name="addExtension",
        tag=Tag.DATABASES,
        summary="Add an extension to a database",
        description=(
            "Installs the extension unless the database has it. Sessions stay open. The call is "
            "safe to retry."
        ),
        parameters=(params.HANDLE,),
        body=AddExtensionRequest,
        answers=(
            Answer(
                status=200,
                description="The database with the extension.",
                body=DatabaseResponse,
                headers=ETAG_HEADER,
            ),
        ),
        errors=(
            *LOOKUP_ERRORS,
            StaleRecord,
            SecretUnknown,
            PasswordChanged,
            ExtensionUnavailable,
            ProviderFull,
            *PROVIDER_ERRORS,
        ),
    ),
)
