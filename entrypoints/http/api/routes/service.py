"""Routes of the service itself, and of the original service."""

from domain.callers import Scope
from entrypoints.http.api.handlers import health, legacy, metrics, reconciliations, spares
from entrypoints.http.api.routes import parameters as params
from entrypoints.http.api.routes.route import Answer, Route, Tag
from entrypoints.http.api.routes.shared import (
    CREATE_ERRORS,
    PROVIDER_ERRORS,
    PROVISION_ERRORS,
    REGISTRY_ERRORS,
)
from entrypoints.http.api.schemas.health import LivenessResponse, ReadinessResponse
from entrypoints.http.api.schemas.legacy import LegacyDatabaseRequest, LegacyDatabaseResponse
from entrypoints.http.api.schemas.reconciliations import (
    CreateReconciliationRequest,
    ReconciliationResponse,
)
from entrypoints.http.api.schemas.spares import SpareListResponse

SERVICE_ROUTES = (
    Route(
        method="POST",
        path="/v1/reconciliations",
        handler=reconciliations.reconcile,
        scope=Scope.ADMIN,
        name="reconcile",
        tag=Tag.SERVICE,
        summary="Reconcile records with the server",
        description=(
            "Finishes or undoes interrupted operations, closes expired databases and detects drift "
            "between the records and the server. With `dry_run` nothing changes."
        ),
        body=CreateReconciliationRequest,
        needs_body=False,
        answers=(
            Answer(
                status=200, description="The actions that were taken.", body=ReconciliationResponse
            ),
        ),
        errors=PROVIDER_ERRORS,
    ),
    Route(
        method="GET",
        path="/v1/spares",
        handler=spares.list_spares,
        scope=Scope.ADMIN,
        name="listSpares",
        tag=Tag.SERVICE,
        summary="List the levels of spares",
        description=(
            "Returns how many spares are wanted, ready and being filled, without a template "
            "(`default`) and for each template in PGVEND_SPARES."
        ),
        answers=(Answer(status=200, description="The levels of spares.", body=SpareListResponse),),
        errors=REGISTRY_ERRORS,
    ),
    Route(
        method="POST",
        path="/api/create-neon-db",
        handler=legacy.create_neon_db,
        scope=Scope.CREATE,
        name="createNeonDb",
        tag=Tag.ORIGINAL,
        summary="Create a database (original service)",
        description=(
            "Accepts and returns the bodies of the original service; unknown members are ignored."
        ),
        parameters=(params.IDEMPOTENCY,),
        body=LegacyDatabaseRequest,
        answers=(
            Answer(
                status=200,
                description="The credentials of the database.",
                body=LegacyDatabaseResponse,
            ),
        ),
        errors=(*CREATE_ERRORS, *PROVISION_ERRORS),
        may_be_anonymous=True,
    ),
    Route(
        method="GET",
        path="/api/test",
        handler=legacy.answer_test,
        scope=None,
        name="test",
        tag=Tag.ORIGINAL,
        summary="Test the service (original service)",
        description="Needs no key, as in the original service.",
        answers=(Answer(status=200, description="The service is running.", body=LivenessResponse),),
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=metrics.show_metrics,
        scope=Scope.ADMIN,
        name="metrics",
        tag=Tag.SERVICE,
        summary="Metrics",
        description=(
            "Returns the metrics of this process in the text format of Prometheus, or in that of "
            "OpenMetrics if the header Accept asks for it. Waits for no server: the health, the "
            "databases and the spares are those of the last sample, which a call orders for the "
            "next one."
        ),
        answers=(
            Answer(
                status=200,
                description="The metrics.",
                body={"text/plain": None, "application/openmetrics-text": None},
            ),
        ),
    ),
    Route(
        method="GET",
        path="/livez",
        handler=health.check_liveness,
        scope=None,
        name="livez",
        tag=Tag.SERVICE,
        summary="Liveness check",
        description=(
            "Succeeds while the process runs. Needs no key; meant for a supervisor that restarts "
            "the service."
        ),
        answers=(Answer(status=200, description="The service is running.", body=LivenessResponse),),
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=health.check_readiness,
        scope=None,
        name="readyz",
        tag=Tag.SERVICE,
        summary="Readiness check",
        description=(
            "Checks the registry and the provider, each with `ok` or the code of its error. Needs "
            "no key; meant for a load balancer."
        ),
        answers=(
            Answer(status=200, description="The service is ready.", body=ReadinessResponse),
            Answer(status=503, description="The service is not ready.", body=ReadinessResponse),
        ),
    ),
)
