"""A creation without a spare: bare SQL, the provider alone, and HTTP."""

from functools import partial
from secrets import token_hex

import structlog

from adapters.decorators.logging import CallLogger
from adapters.decorators.observing import ObservingProvider
from adapters.decorators.retrying import Retrying, RetryingLoginCheck, RetryingProvider
from adapters.postgres.login_check import PostgresLoginCheck
from adapters.postgres.provider import PostgresProvider
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from bench.results import Check, Report, Row, find_row
from bench.run import Run
from bench.server import open_server
from bench.service import serve
from bench.turns import Load, Method, Undo, compare, take_turns
from domain.ids import RANDOM_BYTES, new_id
from domain.names import Nickname
from domain.passwords import PasswordDeriver
from domain.provisioning import ProvisionRequest, Tenant
from domain.retry import RetryPolicy
from domain.secrets import Secret

SQL, PROVIDER, HTTP = "bare SQL", "provider", "HTTP"
LIMITS = {1: 1.15, 8: 1.2}
"""The maximum ratio of HTTP to bare SQL, by the number of callers."""


async def measure(run: Run) -> Report:
    loads = [
        Load(1, rounds=run.pick(2, 10, 30), calls=6, seconds=60),
        Load(8, rounds=run.pick(1, 8, 20), calls=16, seconds=60),
        Load(32, rounds=run.pick(1, 3, 8), calls=64, seconds=30),
    ]
    async with (
        open_server(run.folder) as server,
        serve(run.folder / "service", **server.settings()) as service,
    ):
        methods = [
            Method(SQL, server.create_tenant),
            Method(PROVIDER, Provider(server.provider)),
            Method(HTTP, service.create_with_undo),
        ]
        turns = [(load.setting, await take_turns(methods, load)) for load in loads]
    rows = [row for setting, taken in turns for row in compare(taken, setting, SQL)]
    return Report(rows=rows, checks=[_check(rows, callers) for callers in LIMITS])


def _check(rows: list[Row], callers: int) -> Check:
    row = find_row(rows, HTTP, f"{callers} at once")
    return Check(
        claim=f"HTTP, {row.setting}, times bare SQL", value=row.ratio or 0, limit=LIMITS[callers]
    )


class Provider:
    """The adapter with the decorators of the service, without the service."""

    def __init__(self, bare: PostgresProvider) -> None:
        clock, randomness = SystemClock(), SystemRandomness()
        retrying = Retrying(RetryPolicy(), clock, randomness)
        observing_provider = ObservingProvider(bare, CallLogger(clock, structlog.get_logger()))
        self._provider = RetryingProvider(observing_provider, retrying)
        self._login_check = RetryingLoginCheck(PostgresLoginCheck(), retrying)
        self._clock = clock
        self._randomness = randomness
        self._passwords = PasswordDeriver(Secret(token_hex(32)))

    async def __call__(self) -> Undo:
        provision_request = self._create_request()
        connection = await self._provider.provision(provision_request)
        await self._login_check.verify(connection)
        return partial(self._provider.delete, provision_request.tenant)

    def _create_request(self) -> ProvisionRequest:
        tenant_id = new_id(self._clock.now(), self._randomness.entropy(RANDOM_BYTES))
        tenant = Tenant(id=tenant_id, names=Nickname(f"Bench {token_hex(8)}").derive_names())
        return ProvisionRequest(tenant=tenant, password=self._passwords(tenant_id, 0))
