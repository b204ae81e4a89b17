"""The sample that `make test` runs covers what `make test-all` runs."""

from collections.abc import Callable, Iterable, Sequence

import pytest

from tests.sample import (
    CLIENTS,
    FILES_WITH_RULES,
    FIRST_CASES,
    LEFT_OUT,
    LONG,
    RULES,
    Case,
    case_of,
    in_sample,
)

WHOLE = "tests/security/test_attacks.py::test_the_documentation_tells_what_was_seen"
"""The page is compared with the whole product, which only `make test-all` runs."""

OF_ITS_OWN = (
    CLIENTS,
    "tests/schema/",
    "tests/e2e/test_failover.py",
    "tests/integration/chaos/test_attacked.py",
    "tests/integration/neon/test_concurrency.py",
)
"""The sample has no test below these paths: each is long as a whole."""

COVERED: Sequence[tuple[str, Callable[[Case], object]]] = (
    (
        "tests/contract/",
        lambda case: None if case.get("kind") in LEFT_OUT else str(case.get("kind")),
    ),
    ("tests/contract/", lambda case: str(case.get("registry_kind"))),
    ("tests/contract/test_provider_cancelled.py", lambda case: str(case.get("following"))),
    ("tests/integration/neon/test_faults.py", lambda case: case["cell"].call),
    ("tests/integration/neon/test_faults.py", lambda case: case["cell"].fault),
    ("tests/integration/postgres/test_faults.py", lambda case: str(case.get("story"))),
    ("tests/integration/postgres/test_faults.py", lambda case: str(case.get("injection"))),
)
"""Where the sample has every value, and what of a case is meant; None may be left out."""


@pytest.fixture
def everything(request: pytest.FixtureRequest) -> list[pytest.Item]:
    """All tests there are: a run of a part, or of the sample, cannot tell what is left out."""
    items = list(request.session.items)
    folders = {item.nodeid.split("/")[1] for item in items}
    if request.config.getoption("--sample") or not {"contract", "integration"} <= folders:
        pytest.skip("only a run of all tests can tell")
    return items


def test_every_test_has_a_case_in_the_sample(everything: list[pytest.Item]) -> None:
    sample = filter(in_sample, everything)

    left_out = _functions(everything) - _functions(sample)
    left_out = {test for test in left_out if not test.startswith(OF_ITS_OWN)}
    assert {test for test in left_out if not _is_long(test)} == {WHOLE}


def test_every_file_has_a_test_in_the_sample(everything: list[pytest.Item]) -> None:
    left_out = _files(everything) - _files(filter(in_sample, everything))

    assert {file for file in left_out if not file.startswith(OF_ITS_OWN)} == set()


def test_every_rule_leaves_something_out(everything: list[pytest.Item]) -> None:
    left_out = [item.nodeid for item in everything if not in_sample(item)]

    for path in (*(rule.path for rule in RULES), *FIRST_CASES, *FILES_WITH_RULES):
        assert any(test.startswith(path) for test in left_out), path
    for path, beginnings in LONG.items():
        for beginning in beginnings:
            assert any(test.startswith(f"{path}::test_{beginning}") for test in left_out), beginning


@pytest.mark.parametrize(("path", "value"), COVERED)
def test_the_sample_has_every_value_of_a_table(
    everything: list[pytest.Item], path: str, value: Callable[[Case], object]
) -> None:
    items = [
        item for item in everything if item.nodeid.startswith(path) and hasattr(item, "callspec")
    ]
    cases = {item: value(case_of(item)) for item in items}
    wanted = {(_function(item), case) for item, case in cases.items() if case is not None}

    assert wanted
    assert wanted <= {(_function(item), case) for item, case in cases.items() if in_sample(item)}


def _is_long(test: str) -> bool:
    path, _, name = test.partition("::test_")
    return name.startswith(LONG.get(path, ()))


def _files(items: Iterable[pytest.Item]) -> set[str]:
    return {item.nodeid.partition("::")[0] for item in items}


def _functions(items: Iterable[pytest.Item]) -> set[str]:
    return {_function(item) for item in items}


def _function(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]
