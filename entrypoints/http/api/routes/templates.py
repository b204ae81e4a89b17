"""Routes of templates."""

from dataclasses import replace

from domain.callers import Scope
from domain.errors import (
    AmbiguousName,
    Forbidden,
    InFlight,
    OtherTarget,
    QuotaReached,
    StaleRecord,
    TemplateNotFound,
)
from entrypoints.http.api.handlers import templates
from entrypoints.http.api.routes import parameters as params
from entrypoints.http.api.routes.route import Answer, Route, Tag
from entrypoints.http.api.routes.shared import (
    COPY_ERRORS,
    LOCATION_HEADER,
    LOOKUP_ERRORS,
    PROVISION_ERRORS,
    REGISTRY_ERRORS,
)
from entrypoints.http.api.schemas.templates import (
    CreateTemplateRequest,
    TemplateListResponse,
    TemplateResponse,
)

TEMPLATE_ID = replace(params.ID, description="The id of the template.")
TEMPLATE_HANDLE = replace(
    params.HANDLE,
    description="The id or the name of the template. A name stands for your own template, then for "
    "a shared one.",
)

TEMPLATE_ROUTES = (
    Route(
        method="POST",
        path="/v1/templates",
        handler=templates.create_template,
        scope=Scope.MANAGE,
        name="createTemplate",
        tag=Tag.TEMPLATES,
        summary="Create a template",
        description=(
            "Copies a database into a frozen one, from which `POST /v1/databases` copies others. "
            "Returns when it is ready; then it replaces your former template of the same name, so "
            "that the call is safe to retry."
        ),
        body=CreateTemplateRequest,
        answers=(
            Answer(
                status=201,
                description="The template is ready.",
                body=TemplateResponse,
                headers=LOCATION_HEADER,
            ),
        ),
        errors=(*LOOKUP_ERRORS, *COPY_ERRORS, StaleRecord, QuotaReached, *PROVISION_ERRORS),
    ),
    Route(
        method="GET",
        path="/v1/templates",
        handler=templates.list_templates,
        scope=Scope.READ,
        name="listTemplates",
        tag=Tag.TEMPLATES,
        summary="List templates",
        description="Returns your templates and the shared ones, or all for an admin.",
        answers=(
            Answer(
                status=200, description="The templates, newest first.", body=TemplateListResponse
            ),
        ),
        errors=REGISTRY_ERRORS,
    ),
    Route(
        method="GET",
        path="/v1/templates/{id}",
        handler=templates.show_template,
        scope=Scope.READ,
        name="showTemplate",
        tag=Tag.TEMPLATES,
        summary="Get a template",
        description="Returns the template; by its id in any state.",
        parameters=(TEMPLATE_HANDLE,),
        answers=(Answer(status=200, description="The template.", body=TemplateResponse),),
        errors=(TemplateNotFound, AmbiguousName, *REGISTRY_ERRORS),
    ),
    Route(
        method="DELETE",
        path="/v1/templates/{id}",
        handler=templates.delete_template,
        scope=Scope.MANAGE,
        name="deleteTemplate",
        tag=Tag.TEMPLATES,
        summary="Delete a template",
        description=(
            "Deletes the template in the background; databases that were copied from it stay. The "
            "record stays. The call is safe to retry."
        ),
        parameters=(TEMPLATE_ID,),
        answers=(
            Answer(
                status=202,
                description="The template is being deleted, or is deleted.",
                body=TemplateResponse,
                headers=LOCATION_HEADER,
            ),
        ),
        errors=(
            TemplateNotFound,
            Forbidden,
            StaleRecord,
            InFlight,
            OtherTarget,
            *REGISTRY_ERRORS,
        ),
    ),
)
