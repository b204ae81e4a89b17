"""Keys of the values that handlers read from the application and the request."""

import asyncio

from aiohttp import web

from entrypoints.http.api.background_tasks import BackgroundTasks
from entrypoints.http.api.stream_limiter import StreamLimiter
from entrypoints.wiring.use_cases import UseCases
from ports.use_cases.authenticate_caller import AuthenticatedCaller

USE_CASES = web.AppKey("use_cases", UseCases)
BACKGROUND = web.AppKey("background", BackgroundTasks)
STOPPING = web.AppKey("stopping", asyncio.Event)
STREAM_LIMITER = web.AppKey("streams", StreamLimiter)
DOCUMENT = web.AppKey("document", str)
REQUEST_ID = web.RequestKey("request_id", str)
CLIENT_ADDRESS = web.RequestKey("address", str)
IS_SECURE = web.RequestKey("is_secure", bool)
AUTHENTICATED = web.RequestKey("authenticated_caller", AuthenticatedCaller)
AUDIT_SUBJECT = web.RequestKey("subject", str)
CORS_ORIGINS = web.AppKey("cors_origins", frozenset[str])
