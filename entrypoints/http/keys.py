"""What handlers find in the application and the request."""

from aiohttp import web

from entrypoints.http.background import Background
from entrypoints.use_cases import UseCases

USE_CASES = web.AppKey("use_cases", UseCases)
BACKGROUND = web.AppKey("background", Background)
REQUEST_ID = web.RequestKey("request_id", str)
