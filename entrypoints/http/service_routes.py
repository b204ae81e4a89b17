"""The calls about the service itself, and the original service's two."""

from domain.caller import Scope
from entrypoints.http import documentation, health, legacy, upkeep
from entrypoints.http import parameters as given
from entrypoints.http.database_routes import MAKING, PROVIDING, VENDING
from entrypoints.http.legacy_schemas import LegacyDatabaseRequest, LegacyDatabaseResponse
from entrypoints.http.route import Answer, Route, Tag
from entrypoints.http.sweep_schemas import CreateReconciliationRequest, ReconciliationResponse

SERVICE_ROUTES = (
    Route(
        method="POST",
        path="/v1/reconciliations",
        handler=upkeep.reconcile,
        scope=Scope.ADMIN,
        name="reconcile",
        tag=Tag.SERVICE,
        summary="Put the records and what is really there in line",
        description=(
            "Finish or undo what a crash left behind, end expired databases, and compare the "
            "records with what is there. With `dry_run` nothing changes."
        ),
        body=CreateReconciliationRequest,
        needs_body=False,
        answers=(
            Answer(
                status=200, description="What was found, and done.", body=ReconciliationResponse
            ),
        ),
        errors=PROVIDING,
    ),
    Route(
        method="POST",
        path="/api/create-neon-db",
        handler=legacy.create_neon_db,
        scope=Scope.CREATE,
        name="createNeonDb",
        tag=Tag.ORIGINAL,
        summary="Have a database made, as the original service's clients ask for it",
        description=(
            "Takes and answers what the original service did; members that it does not know "
            "are ignored."
        ),
        parameters=(given.IDEMPOTENCY,),
        body=LegacyDatabaseRequest,
        answers=(
            Answer(
                status=200, description="The database's credentials.", body=LegacyDatabaseResponse
            ),
        ),
        errors=(*VENDING, *MAKING),
        may_be_anonymous=True,
    ),
    Route(
        method="GET",
        path="/api/test",
        handler=legacy.test,
        scope=None,
        name="test",
        tag=Tag.ORIGINAL,
        summary="Whether the service is there",
        description="Answers without a key, as the original service did.",
        answers=(Answer(status=200, description="It is.", body=health.LivenessResponse),),
    ),
    Route(
        method="GET",
        path="/livez",
        handler=health.livez,
        scope=None,
        name="livez",
        tag=Tag.SERVICE,
        summary="Whether the process is alive",
        description=(
            "Answers without a key, for a supervisor that restarts the service when it does not."
        ),
        answers=(Answer(status=200, description="It is.", body=health.LivenessResponse),),
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=health.readyz,
        scope=None,
        name="readyz",
        tag=Tag.SERVICE,
        summary="Whether registry and provider would answer",
        description=(
            "Answers without a key, for a load balancer: each part with `ok` or the code of "
            "its error."
        ),
        answers=(
            Answer(status=200, description="They would.", body=health.ReadinessResponse),
            Answer(status=503, description="One of them would not.", body=health.ReadinessResponse),
        ),
    ),
    Route(
        method="GET",
        path="/openapi.json",
        handler=documentation.openapi,
        scope=None,
        name="openapi",
        tag=Tag.SERVICE,
        summary="What the service answers, as OpenAPI",
        description="This document.",
        answers=(),
        listed=False,
    ),
    Route(
        method="GET",
        path="/docs",
        handler=documentation.docs,
        scope=None,
        name="docs",
        tag=Tag.SERVICE,
        summary="A page to try it",
        description="A page for a browser.",
        answers=(),
        listed=False,
    ),
    Route(
        method="GET",
        path="/docs/{asset}",
        handler=documentation.asset,
        scope=None,
        name="asset",
        tag=Tag.SERVICE,
        summary="What the page is made of",
        description="The page's script, style and icon.",
        answers=(),
        listed=False,
    ),
)
