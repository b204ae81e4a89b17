"""The sample of large parameter products that `make test` runs; `make test-all` runs all of them.

A product pairs every value of one table with every value of another: contracts with kinds of
providers, calls with faults, attacks with servers. The sample contains every value of each table,
the same cases each time. Where a table is long and each case costs a server's time, the
sample keeps the first case of each test; of tests that take many seconds it keeps one in each file.
`tests/unit/test_sample.py` checks that.

Imported after collection: pytest has to import test modules first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract import registries
from tests.contract.conftest import KINDS
from tests.contract.test_provider_cancelled import STORIES as CANCELLED
from tests.integration.chaos.test_chaos import QUICK
from tests.integration.postgres.test_faults import STORIES
from tests.integration.postgres.test_faults_create import KINDS as PROVISION_KINDS
from tests.long_tests import LONG
from tests.security.outcome import KINDS as SERVERS
from tests.security.test_leaks import ENVIRONMENTS, ON_NEON
from tests.support.actions import ACTIONS
from tests.support.fault_injection import INJECTIONS
from tests.support.memory_faults import FAULT_KINDS
from tests.support.memory_service import MemoryService
from tests.support.neon.fault_matrix import CALLS, FAULTS, Cell
from tests.unit.use_cases.test_crash_points import AT_ONCE
from tests.unit.use_cases.test_spares_crash_points import ACTIONS as SPARE_ACTIONS

Case = Mapping[str, Any]
"""A test's parameters, its name as the parameter `test`, and its file as `path`."""

SKIPPED_KINDS = {"embedded-16", "postgres-16", "postgres-18, two replicas"}
EXCLUDED_KINDS = [
    kind
    for name, kind in KINDS.items()
    if (kind.decorate and name != "memory-decorated") or name in SKIPPED_KINDS
]
"""One kind of provider is decorated. The oldest version of PostgreSQL, and the newest one, the
bundled server's, stand for the others, and the replicas of registries for those of providers."""

EXCLUDED_REGISTRIES = [registries.KINDS["postgres-18, two replicas"]]
"""They run the code of the other registry on PostgreSQL."""

WEBHOOK_STORES = (
    "tests/contract/test_announcements.py",
    "tests/contract/test_delivery_queue.py",
    "tests/contract/test_webhook_store.py",
)
WEBHOOK_REGISTRIES = [registries.KINDS[name] for name in ("memory", "sqlite")]
"""The stores of webhooks run on these, and on PostgreSQL where calls are concurrent: decorated
registries have the same stores, and the statements on PostgreSQL are those on SQLite."""

BROKEN_CALL, BROKEN_BY = CALLS[0], FAULTS[0]
"""On Neon: every fault in this call, and this fault in every call."""

STORY, FAULT = STORIES["a rotation, repeated"], INJECTIONS["cut after"]
STORIES_OF_CALLS = list({story.call: story for story in reversed(STORIES.values())}.values())
"""On PostgreSQL: every fault at each statement of this call, and this fault at each statement of
every call, in the first of its stories. The others have another call after the fault; on the same
server `test_provider_cancelled.py` has them after a cancellation. A claim has few statements."""

PROVISION_FAULT = PROVISION_KINDS["cut after"]
"""The same for the use case, for whose provider `STORY` has every fault."""

SERVER = "server_15"
"""Tests that need PostgreSQL run on its oldest version, which has the fewest protections."""

ATTACKED_SERVER = SERVERS[0]
"""All attacks run on this server."""

LEAK_ENVIRONMENTS = next(iter(ENVIRONMENTS)), ON_NEON[1]
"""The environments that are searched for every secret."""

FULLY_CANCELLED_KINDS = [KINDS[name] for name in ("memory", "embedded-18", "neon-role")]
CANCELLED_STORY = CANCELLED[0]
"""These kinds run every story of a cancelled call, the others one."""

FIRST_ACTIONS = next(iter(ACTIONS)), next(iter(SPARE_ACTIONS))
SERIES = ACTIONS[FIRST_ACTIONS[0]], SPARE_ACTIONS[FIRST_ACTIONS[1]]
KILLED = FAULT_KINDS["killed"]
"""In use cases: every fault in these actions, and this fault in every action; each action at the
same time as the first one, and as itself, without leases."""

REGISTRY_TEST = "test_an_add_is_complete_or_not_made"
"""On a registry's PostgreSQL: every fault in this test, and `FAULT` in all tests."""

CLIENTS = "tests/clients/"
"""Other programs take minutes to install and compile: they run in `make test-all` only."""

PAGE = "quickstart"
"""The documentation's page whose commands run."""

SEEDS = range(1)
"""Seeds of the random combinations of faults."""

FIRST_CASES = (
    "tests/e2e/console/test_accessibility.py",
    "tests/e2e/test_browser_events.py",
    "tests/e2e/test_neon_service.py",
    "tests/e2e/test_startup_errors.py",
    "tests/fuzz/test_requests.py",
    "tests/integration/embedded/",
    "tests/integration/doctor/",
    "tests/integration/neon/",
    "tests/integration/pooler/",
    "tests/integration/postgres/",
    "tests/e2e/test_registries.py",
    "tests/integration/registry/test_former_words.py",
    "tests/integration/registry/test_migrations.py",
    "tests/integration/registry/test_unreadable_records.py",
    "tests/unit/adapters/driver/test_hosts.py",
)
FILES_WITH_RULES = ("tests/integration/neon/test_faults", "tests/integration/postgres/test_faults")
"""Below the first ones the sample keeps the first case of each test, but for the second ones, for
which there are rules."""


@dataclass(frozen=True)
class Rule:
    """The rule that selects the cases of the tests below `path`."""

    path: str
    keeps: Callable[[Case], bool]


def keeps_provider(case: Case) -> bool:
    return case.get("kind") not in EXCLUDED_KINDS


def keeps_registry(case: Case) -> bool:
    return case.get("registry_kind") not in EXCLUDED_REGISTRIES


def keeps_webhook_store(case: Case) -> bool:
    return case["registry_kind"] in WEBHOOK_REGISTRIES or "concurrent" in case["test"]


def keeps_cancelled(case: Case) -> bool:
    story = (case.get("name"), case.get("following"))
    return case["kind"] in FULLY_CANCELLED_KINDS or story in {CANCELLED_STORY, (None, None)}


def keeps_cell(case: Case) -> bool:
    cell: Cell | None = case.get("cell")
    return cell is None or cell.call == BROKEN_CALL or cell.fault == BROKEN_BY


def keeps_environment(case: Case) -> bool:
    environment = case.get("name") or case.get("isolation")
    return environment is None or environment in LEAK_ENVIRONMENTS


def keeps_fault(case: Case) -> bool:
    story = case.get("story")
    if story is None or story is STORY:
        return True
    return case["injection"] is FAULT and (story in STORIES_OF_CALLS or story.call == "claim")


def keeps_page(case: Case) -> bool:
    return case["test"] != "test_the_commands_of_a_page_work" or bool(case["page"].stem == PAGE)


def keeps_registry_fault(case: Case) -> bool:
    return case["test"] == REGISTRY_TEST or case["injection"] is FAULT


def keeps_crash(case: Case) -> bool:
    if "one" in case:
        is_pair_kept = case["one"] in {case["other"], *FIRST_ACTIONS}
        return is_pair_kept and case["other_process"] == MemoryService.restarted
    if case.get("later", AT_ONCE) != AT_ONCE:
        return False
    return "action" not in case or case["fault_kind"] is KILLED or case["action"] in SERIES


def keeps_server(case: Case) -> bool:
    return bool(case.get("where", SERVER) == SERVER)


RULES: Sequence[Rule] = (
    Rule(CLIENTS, lambda _: False),
    Rule("tests/e2e/console/test_admin.py", lambda _: False),
    Rule("tests/e2e/console/test_details.py", lambda _: False),
    Rule("tests/e2e/test_documented_commands.py", keeps_page),
    Rule("tests/contract/", keeps_registry),
    *(Rule(path, keeps_webhook_store) for path in WEBHOOK_STORES),
    Rule("tests/contract/test_provider", keeps_provider),
    Rule("tests/contract/test_provider_cancelled.py", keeps_cancelled),
    Rule("tests/contract/test_login", keeps_provider),
    Rule("tests/contract/test_size_limiter", keeps_provider),
    Rule("tests/integration/neon/test_faults.py", keeps_cell),
    Rule("tests/integration/neon/test_faults_combined.py", lambda case: case["seed"] in SEEDS),
    Rule("tests/integration/postgres/", keeps_server),
    Rule("tests/integration/postgres/test_faults.py", keeps_fault),
    Rule(
        "tests/integration/postgres/test_faults_copies.py",
        lambda case: case["injection"] is FAULT,
    ),
    Rule(
        "tests/integration/postgres/test_faults_create.py",
        lambda case: (case.get("injection"), case.get("policy")) in {(None, None), PROVISION_FAULT},
    ),
    Rule("tests/integration/chaos/", lambda case: case.get("scenario", QUICK) == QUICK),
    Rule("tests/security/test_attack", lambda case: case.get("kind") == ATTACKED_SERVER),
    Rule("tests/security/test_leaks.py", keeps_environment),
    Rule("tests/image/", lambda _: False),
    Rule("tests/schema/", lambda _: False),
    Rule("tests/integration/registry/test_postgres_broken_requests.py", keeps_registry_fault),
    Rule("tests/unit/use_cases/test_stateful.py", lambda _: False),
    Rule("tests/unit/use_cases/test_crash_points.py", keeps_crash),
    Rule("tests/unit/use_cases/test_spares_crash_points.py", keeps_crash),
)


def in_sample(item: pytest.Item) -> bool:
    """Return whether `make test` runs this test. Tests without a rule run."""
    path, _, test = item.nodeid.partition("::test_")
    case, rules = case_of(item), [rule for rule in RULES if path.startswith(rule.path)]
    if test.startswith(LONG.get(path, ())) or not all(rule.keeps(case) for rule in rules):
        return False
    return path.startswith(FILES_WITH_RULES) or not path.startswith(FIRST_CASES) or _is_first(item)


def case_of(item: pytest.Item) -> Case:
    callspec = getattr(item, "callspec", None)
    path, test = item.nodeid.partition("::")[0], item.name.partition("[")[0]
    return {"path": path, "test": test, **(callspec.params if callspec else {})}


def _is_first(item: pytest.Item) -> bool:
    """Return whether it has the first value of each parameter, except the one with a rule."""
    callspec = getattr(item, "callspec", None)
    indices = callspec.indices if callspec else {}
    return not any(index for name, index in indices.items() if name != "where")
