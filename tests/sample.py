"""The sample that `make test` runs of the large products; `make test-all` runs all of them.

A product pairs every value of one table with every value of another one: promises with kinds of
providers, calls with faults, attacks with servers. The sample covers it: every value of each table
is in it, the same cases each time. `tests/unit/test_sample.py` proves that.

Imported once everything is collected: pytest has to import test modules first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract.conftest import KINDS
from tests.contract.test_provider_cancelled import STORIES as CANCELLED
from tests.integration.chaos.test_chaos import QUICK
from tests.integration.postgres.test_faults import STORIES
from tests.integration.postgres.test_faults_vend import KINDS as VENDS
from tests.security.outcome import KINDS as SERVERS
from tests.security.test_leaks import ENVIRONMENTS, ON_NEON
from tests.support.faults import BLOWS
from tests.support.neon.fault_matrix import CALLS, FAULTS, Cell

Case = Mapping[str, Any]
"""A test's parameters."""

DECORATED = [KINDS[name] for name in ("memory-decorated", "neon-role-decorated")]
"""One kind of provider for each decoration: retries, and the queue for what Neon locks."""

BROKEN_CALL, BROKEN_BY = CALLS[0], FAULTS[0]
"""On Neon: every fault in this call, and this fault in every call."""

STORY, BLOW = STORIES["a vend, repeated"], BLOWS["cut after"]
"""On PostgreSQL: every blow at each statement of this call, and this blow at those of all calls."""

VEND = VENDS["cut after"]
"""The same for the use case, whose provider `STORY` breaks in every way."""

SERVER = "server_15"
"""What only PostgreSQL shows is tried on the server with the least to protect it, its oldest."""

ATTACKED = SERVERS[0]
"""Every attack is tried here."""

LEAKY = next(iter(ENVIRONMENTS)), ON_NEON[1]
"""Every secret is looked for in these environments."""

SLOW = [KINDS[name] for name in ("neon-none", "neon-project")]
INTERRUPTED = CANCELLED[0]
"""Quick kinds are tried with every story of a cancelled call, these with one."""

CALLER = "two tenants"
"""Whose requests the document of the API is compared with; the other one needs no key."""

CLIENTS = "tests/clients/"
"""What others wrote, minutes of installing and compiling, is for `make test-all` alone."""

SEEDS = range(3)
"""Of the random combinations of faults."""


@dataclass(frozen=True)
class Rule:
    """Which cases of the tests below `path` the sample keeps."""

    path: str
    keeps: Callable[[Case], bool]


def keeps_provider(case: Case) -> bool:
    kind = case.get("kind")
    return kind is None or kind.decorate is None or kind in DECORATED


def keeps_cancelled(case: Case) -> bool:
    story = (case.get("name"), case.get("following"))
    return case["kind"] not in SLOW or story in {INTERRUPTED, (None, None)}


def keeps_cell(case: Case) -> bool:
    cell: Cell | None = case.get("cell")
    return cell is None or cell.call == BROKEN_CALL or cell.trouble == BROKEN_BY


def keeps_leaky(case: Case) -> bool:
    environment = case.get("name") or case.get("isolation")
    return environment is None or environment in LEAKY


def keeps_blow(case: Case) -> bool:
    story = case.get("story")
    return story is None or story is STORY or case["blow"] is BLOW


def keeps_server(case: Case) -> bool:
    return bool(case.get("where", SERVER) == SERVER)


RULES: Sequence[Rule] = (
    Rule(CLIENTS, lambda _: False),
    Rule("tests/contract/test_provider", keeps_provider),
    Rule("tests/contract/test_provider_cancelled.py", keeps_cancelled),
    Rule("tests/contract/test_login", keeps_provider),
    Rule("tests/contract/test_size_guard", keeps_provider),
    Rule("tests/integration/neon/test_faults.py", keeps_cell),
    Rule("tests/integration/neon/test_faults_together.py", lambda case: case["seed"] in SEEDS),
    Rule("tests/integration/postgres/", keeps_server),
    Rule("tests/integration/postgres/test_faults.py", keeps_blow),
    Rule(
        "tests/integration/postgres/test_faults_vend.py",
        lambda case: (case.get("blow"), case.get("policy")) in {(None, None), VEND},
    ),
    Rule("tests/integration/chaos/", lambda case: case["scenario"] == QUICK),
    Rule("tests/security/test_attacks.py", lambda case: case.get("kind") == ATTACKED),
    Rule("tests/security/test_leaks.py", keeps_leaky),
    Rule("tests/schema/", lambda case: case["caller"] == CALLER),
)


def in_sample(item: pytest.Item) -> bool:
    """Whether `make test` runs this test. What no rule is about, it runs."""
    case = case_of(item)
    return all(rule.keeps(case) for rule in RULES if item.nodeid.startswith(rule.path))


def case_of(item: pytest.Item) -> Case:
    """Return a test's parameters, none for a test without any."""
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec else {}
