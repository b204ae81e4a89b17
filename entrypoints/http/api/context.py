"""Keys of the values that handlers read from the application and the request, and the caller."""

import asyncio

from aiohttp import web

from domain.callers import Caller
from entrypoints.background.tasks import BackgroundTasks
from entrypoints.http.api.schemas.health import Access
from entrypoints.http.api.stream_limiter import StreamLimiter
from entrypoints.wiring.maintenance import Maintenance
from entrypoints.wiring.use_cases import UseCases
from ports.driven.metrics import MetricsReport
from ports.use_cases.authenticate_caller import AuthenticatedCaller, Credentials
from ports.use_cases.pending_event import PendingEvent

USE_CASES = web.AppKey("use_cases", UseCases)
MAINTENANCE = web.AppKey("maintenance", Maintenance)
BACKGROUND = web.AppKey("background", BackgroundTasks)
STOPPING = web.AppKey("stopping", asyncio.Event)
STREAM_LIMITER = web.AppKey("stream_limiter", StreamLimiter)
METRICS = web.AppKey("metrics", MetricsReport)
DOCUMENT = web.AppKey("document", str)
CORS_ORIGINS = web.AppKey("cors_origins", frozenset[str])
ACCESS = web.AppKey("access", Access)

REQUEST_ID = web.RequestKey("request_id", str)
CLIENT_ADDRESS = web.RequestKey("client_address", str)
IS_SECURE = web.RequestKey("is_secure", bool)
AUTHENTICATED = web.RequestKey("authenticated_caller", AuthenticatedCaller)
CREDENTIALS = web.RequestKey("credentials", Credentials)
AUDIT_EVENT = web.RequestKey("audit_event", PendingEvent)
AUDIT_SUBJECT = web.RequestKey("audit_subject", str)


def get_caller(request: web.Request) -> Caller:
    """Return the authenticated caller."""
    return request[AUTHENTICATED].caller
