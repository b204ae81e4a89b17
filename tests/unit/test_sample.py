"""The sample that `make test` runs covers what `make test-all` runs."""

from collections.abc import Callable, Iterable, Sequence

import pytest

from tests.long_tests import LONG
from tests.sample import (
    CLIENTS,
    EXCLUDED_KINDS,
    EXCLUDED_REGISTRIES,
    FILES_WITH_RULES,
    FIRST_CASES,
    RULES,
    WEBHOOK_STORES,
    Case,
    case_of,
    in_sample,
)

DOCUMENTATION_TEST = "tests/security/test_attacks.py::test_the_documentation_matches_the_outcomes"
"""It compares the page with the results of all attacks, which only `make test-all` runs."""

NOT_SAMPLED = (
    CLIENTS,
    "tests/image/",
    "tests/schema/",
    "tests/e2e/console/test_admin.py",
    "tests/e2e/console/test_details.py",
    "tests/e2e/test_failover.py",
    "tests/e2e/test_pooler.py",
    "tests/integration/chaos/test_attacked.py",
    "tests/integration/neon/test_concurrency.py",
    "tests/integration/pooler/test_pooler.py",
    "tests/unit/use_cases/test_stateful.py",
)
"""The sample has no test below these paths: each of them takes long."""

NOT_SAMPLED_FOLDERS = {
    "tests/clients",
    "tests/clients/drivers",
    "tests/image",
    "tests/integration/pooler",
    "tests/schema",
}

COVERED: Sequence[tuple[str, Callable[[Case], object]]] = (
    (
        "tests/contract/",
        lambda case: None if case.get("kind") in EXCLUDED_KINDS else str(case.get("kind")),
    ),
    (
        "tests/contract/",
        lambda case: (
            None
            if case.get("registry_kind") in EXCLUDED_REGISTRIES or case["path"] in WEBHOOK_STORES
            else str(case.get("registry_kind"))
        ),
    ),
    ("tests/contract/test_provider_cancelled.py", lambda case: str(case.get("following"))),
    ("tests/integration/neon/test_faults.py", lambda case: case["cell"].call),
    ("tests/integration/neon/test_faults.py", lambda case: case["cell"].fault),
    (
        "tests/integration/postgres/test_faults.py",
        lambda case: story.call if (story := case.get("story")) else None,
    ),
    ("tests/integration/postgres/test_faults.py", lambda case: str(case.get("injection"))),
)
"""The files of which the sample has every value, and the value of a case; None can be left out."""


SAMPLED_FOLDERS = {"clients", "contract", "e2e", "integration", "security", "unit"}


@pytest.fixture
def all_items(request: pytest.FixtureRequest) -> list[pytest.Item]:
    """All tests. A run of a part, or of the sample, does not know what is left out."""
    items = list(request.session.items)
    folders = {item.nodeid.split("/")[1] for item in items}
    if request.config.getoption("--sample") or not folders >= SAMPLED_FOLDERS:
        pytest.skip("needs a run of all tests")
    return items


def test_every_test_has_a_case_in_the_sample(all_items: list[pytest.Item]) -> None:
    sample = filter(in_sample, all_items)

    left_out = _functions(all_items) - _functions(sample)
    left_out = {test for test in left_out if not test.startswith(NOT_SAMPLED)}
    assert {test for test in left_out if not _is_long(test)} == {DOCUMENTATION_TEST}


def test_every_folder_has_a_test_in_the_sample(all_items: list[pytest.Item]) -> None:
    left_out = _folders(all_items) - _folders(filter(in_sample, all_items))

    assert left_out <= NOT_SAMPLED_FOLDERS


def test_every_rule_leaves_something_out(all_items: list[pytest.Item]) -> None:
    left_out = [item.nodeid for item in all_items if not in_sample(item)]

    for path in (*(rule.path for rule in RULES), *FIRST_CASES, *FILES_WITH_RULES):
        assert any(test.startswith(path) for test in left_out), path
    for path, prefixes in LONG.items():
        for prefix in prefixes:
            assert any(test.startswith(f"{path}::test_{prefix}") for test in left_out), prefix


@pytest.mark.parametrize(("path", "value"), COVERED)
def test_the_sample_has_every_value_of_a_table(
    all_items: list[pytest.Item], path: str, value: Callable[[Case], object]
) -> None:
    items = [
        item
        for item in all_items
        if item.nodeid.startswith(path) and hasattr(item, "callspec") and not _is_long(item.nodeid)
    ]
    cases = {item: value(case_of(item)) for item in items}
    wanted = {(_function(item), case) for item, case in cases.items() if case is not None}

    assert wanted
    assert wanted <= {(_function(item), case) for item, case in cases.items() if in_sample(item)}


def _is_long(test: str) -> bool:
    path, _, name = test.partition("::test_")
    return name.startswith(LONG.get(path, ()))


def _folders(items: Iterable[pytest.Item]) -> set[str]:
    return {item.nodeid.partition("::")[0].rpartition("/")[0] for item in items}


def _functions(items: Iterable[pytest.Item]) -> set[str]:
    return {_function(item) for item in items}


def _function(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]
