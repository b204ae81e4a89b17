"""Is the process alive, and would it answer?"""

from aiohttp import web

from entrypoints.http.keys import USE_CASES


async def livez(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    health = await request.app[USE_CASES].check_health()
    return web.json_response(
        {"status": "ok" if health.is_ok else "unavailable", "checks": dict(health.checks)},
        status=200 if health.is_ok else 503,
    )
