"""Keys of the values that handlers read from the application and the request."""

import asyncio

from aiohttp import web

from entrypoints.http.api.background_tasks import Background
from entrypoints.http.api.stream_limiter import Streams
from entrypoints.wiring.use_cases import UseCases
from ports.use_cases.authenticate_caller import Admitted

USE_CASES = web.AppKey("use_cases", UseCases)
BACKGROUND = web.AppKey("background", Background)
STOPPING = web.AppKey("stopping", asyncio.Event)
STREAMS = web.AppKey("streams", Streams)
DOCUMENT = web.AppKey("document", str)
REQUEST_ID = web.RequestKey("request_id", str)
ADDRESS = web.RequestKey("address", str)
IS_SECURE = web.RequestKey("is_secure", bool)
ADMITTED = web.RequestKey("authenticated_caller", Admitted)
SUBJECT = web.RequestKey("subject", str)
CORS_ORIGINS = web.AppKey("cors_origins", frozenset[str])
