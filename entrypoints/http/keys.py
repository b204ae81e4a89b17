"""What handlers find in the application and the request."""

import asyncio

from aiohttp import web

from entrypoints.http.background import Background
from entrypoints.use_cases import UseCases

USE_CASES = web.AppKey("use_cases", UseCases)
BACKGROUND = web.AppKey("background", Background)
STOPPING = web.AppKey("stopping", asyncio.Event)
STREAMS = web.AppKey("streams", asyncio.Semaphore)
REQUEST_ID = web.RequestKey("request_id", str)
