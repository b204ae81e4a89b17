"""Keys of values in the application and in requests."""

from aiohttp import web

from entrypoints.neon_emulator.state.emulator import Emulator

EMULATOR = web.AppKey("EMULATOR", Emulator)
REQUEST_ID = web.RequestKey("request_id", str)
