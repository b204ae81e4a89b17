"""The calls about the service itself, and the original service's two."""

from domain.caller import Scope
from entrypoints.http import documentation, health, legacy, upkeep
from entrypoints.http import parameters as given
from entrypoints.http.database_routes import MAKING, PROVIDING, VENDING
from entrypoints.http.legacy_schemas import LegacyBody, LegacyOut
from entrypoints.http.route import Answer, Route
from entrypoints.http.sweep_schemas import SweepBody, SweptOut

SERVICE_ROUTES = (
    Route(
        method="POST",
        path="/v1/sweep",
        handler=upkeep.sweep,
        scope=Scope.ADMIN,
        name="sweep",
        summary="Put the records and what is really there in line",
        body=SweepBody,
        needs_body=False,
        answers=(Answer(status=200, description="What was found, and done.", body=SweptOut),),
        errors=PROVIDING,
    ),
    Route(
        method="POST",
        path="/api/create-neon-db",
        handler=legacy.create_neon_db,
        scope=Scope.CREATE,
        name="createNeonDb",
        summary="Have a database made, as the original service's clients ask for it",
        parameters=(given.IDEMPOTENCY,),
        body=LegacyBody,
        answers=(Answer(status=200, description="The database's credentials.", body=LegacyOut),),
        errors=(*VENDING, *MAKING),
    ),
    Route(
        method="GET",
        path="/api/test",
        handler=legacy.test,
        scope=None,
        name="test",
        summary="Whether the service is there",
        answers=(Answer(status=200, description="It is.", body=health.AliveOut),),
    ),
    Route(
        method="GET",
        path="/livez",
        handler=health.livez,
        scope=None,
        name="livez",
        summary="Whether the process is alive",
        answers=(Answer(status=200, description="It is.", body=health.AliveOut),),
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=health.readyz,
        scope=None,
        name="readyz",
        summary="Whether registry and provider would answer",
        answers=(
            Answer(status=200, description="They would.", body=health.HealthOut),
            Answer(status=503, description="One of them would not.", body=health.HealthOut),
        ),
    ),
    Route(
        method="GET",
        path="/openapi.json",
        handler=documentation.openapi,
        scope=None,
        name="openapi",
        summary="What the service answers, as OpenAPI",
        answers=(),
        listed=False,
    ),
    Route(
        method="GET",
        path="/docs",
        handler=documentation.docs,
        scope=None,
        name="docs",
        summary="A page to try it",
        answers=(),
        listed=False,
    ),
    Route(
        method="GET",
        path="/docs/{asset}",
        handler=documentation.asset,
        scope=None,
        name="asset",
        summary="What the page is made of",
        answers=(),
        listed=False,
    ),
)
