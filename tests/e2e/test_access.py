"""`/v1/whoami` and `/v1/key-exchange`."""

from structlog.testing import capture_logs

from domain.secrets import Secret
from entrypoints.config.access import ADMIN
from tests.support.apps import RunningApp, check_problem
from tests.support.keyed_clients import ADMIN_KEY, KeyedApp, KeyedClient

WHOAMI = "/v1/whoami"
EXCHANGE = "/v1/key-exchange"


async def test_a_caller_learns_what_its_key_may_do(guarded: KeyedApp) -> None:
    ann = await guarded.create_client("ann", ["read", "create"], quota=3, ttl="1h")
    await ann.create_database()

    assert (await ann.ask("GET", WHOAMI)).body == {
        "caller": "ann",
        "key_id": ann.id,
        "scopes": ["create", "read"],
        "quota": 3,
        "databases": 1,
        "expires_at": "2026-01-02T04:04:05Z",
        "can_see_all": False,
    }


async def test_an_admin_sees_all_and_its_key_has_a_name(guarded: KeyedApp) -> None:
    admin = (await guarded.admin.ask("GET", WHOAMI)).body

    assert (admin["caller"], admin["key_id"], admin["can_see_all"]) == ("admin", "admin", True)
    assert (admin["scopes"], admin["quota"], admin["expires_at"]) == (["admin"], None, None)


async def test_without_keys_anyone_is_the_caller(app: RunningApp) -> None:
    anyone = await app.get(WHOAMI)

    assert (anyone["caller"], anyone["key_id"]) == ("anyone", None)
    assert anyone["can_see_all"]


async def test_a_code_is_exchanged_for_a_key_that_works(guarded: KeyedApp) -> None:
    code = _offer(guarded.app)

    answer = await guarded.ask("POST", EXCHANGE, {"code": code.lower()})

    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.body == {"key": ADMIN_KEY}
    client = KeyedClient(guarded.app, answer.body["key"])
    assert (await client.ask("GET", WHOAMI)).body["caller"] == "admin"
    check_problem(await guarded.ask("POST", EXCHANGE, {"code": code}), 401, "invalid_code")


async def test_an_exchange_is_audited_and_a_wrong_code_is_logged(guarded: KeyedApp) -> None:
    code = _offer(guarded.app)
    with capture_logs() as logs:
        refused = await guarded.ask("POST", EXCHANGE, {"code": "0000-0000"})
    check_problem(refused, 401, "invalid_code")
    [log] = [log for log in logs if log["event"] == "auth.refused"]
    assert (log["error"], log["address"]) == ("invalid_code", "127.0.0.1")
    assert "0000-0000" not in repr(logs)
    assert await guarded.list_audit_events() == []

    await guarded.ask("POST", EXCHANGE, {"code": code})

    (event,) = await guarded.list_audit_events()
    assert (event["caller"], event["action"], event["outcome"]) == ("admin", "exchangeKey", "done")
    assert code not in repr(event)


async def test_other_pages_cannot_send_codes_to_a_service_without_keys(app: RunningApp) -> None:
    for code in ("0000-0000", _offer(app)):
        answer = await app.ask("POST", EXCHANGE, {"code": code}, {"Origin": "https://evil.example"})
        check_problem(answer, 403, "forbidden")
    check_problem(await app.ask("POST", EXCHANGE, {"code": "0"}), 401, "invalid_code")


def _offer(app: RunningApp) -> str:
    """Return a one-time code for the admin key, as `pgvend serve` prints it."""
    return app.use_cases.access.exchange_key.offer(Secret(ADMIN_KEY), ADMIN).reveal()
