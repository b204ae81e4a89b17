"""The service does what its document says: it has no error of its own, and no answer that is not in
there. `make test` asks a little, `make schema` thousands of times."""

import os
import random
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.apps import running_app
from tests.support.registries import in_sqlite
from tests.support.schemathesis import verdict_on

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "0"))
"""Of each call, in each phase; 0 for a few of one seed."""

FEW = 1
LEAST = 500
"""Cases that there have to be of each kind: of a document that it cannot read schemathesis makes
none."""

ADMIN = {"admin": "an-admin-key-of-the-tests"}
TENANTS = {"anna": "a-key-of-the-tests-for-anna", "berta": "a-key-of-the-tests-for-berta"}
LOOPBACK = "127.0.0.1"
KEYED = {
    "admin_key": ADMIN["admin"],
    "api_keys": ",".join(f"{name}={key}" for name, key in TENANTS.items()),
}

CALLERS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, str]]] = {
    "anyone": ({}, {}),
    "an admin": (KEYED, ADMIN),
    "two tenants": (KEYED, TENANTS),
    "nobody": (KEYED, {}),
}
"""The keys in the service's settings, and those that are shown."""

SAME = 5
SEEDS = {"the same": lambda: SAME, "another": lambda: random.SystemRandom().getrandbits(32)}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", SEEDS if EXAMPLES else ["the same"])
@pytest.mark.parametrize("caller", CALLERS)
async def test_every_answer_is_one_of_the_document(caller: str, seed: str) -> None:
    settings, keys = CALLERS[caller]
    number = SEEDS[seed]()
    async with (
        in_sqlite() as records,
        running_app(records=records, trusted_proxies=LOOPBACK, **settings) as app,
    ):
        url = f"http://127.0.0.1:{app.port}"
        verdict = await verdict_on(url, seed=number, examples=EXAMPLES or FEW, keys=keys)

    told = f"\n{caller}, seed {number}: {verdict.cases} cases"
    print(told, file=sys.stderr)  # noqa: T201 - make schema shows it, also from another process
    assert verdict.failures == (), verdict.report
    assert verdict.is_complete, verdict.report
    assert verdict.cases >= LEAST, verdict.report
