"""The parts of the product that are mutated, and the tests that run on them."""

from pathlib import Path

ROOT = Path(__file__).parents[2]

AREAS = (
    "domain",
    "ports/use_cases",
    "adapters/decorators",
    "entrypoints/http",
    "adapters/postgres",
)

PACKAGES = ("domain", "ports", "adapters", "entrypoints")
"""The packages in which importers of a module are searched."""

TESTS = (
    "tests/unit",
    "tests/contract",
    "tests/e2e",
    "tests/integration/doctor",
    "tests/integration/postgres",
)
"""Tests that run the product in their own process. Child processes are not measured."""

OTHER_VERSIONS = (
    *("embedded-16", "postgres-16", "postgres-18", "neon"),
    *("server_16", "server_18", "bundled_16"),
    "test_ten_thousand",
)
"""Parts of the names of tests that do not run: of other providers and versions, and a slow one."""

CHILD_PROCESSES = (
    "tests/e2e/mcp/test_command.py",
    "tests/e2e/test_browser_*.py",
    "tests/e2e/test_command*.py",
    "tests/e2e/test_doctor.py",
    "tests/e2e/test_serving.py",
    "tests/e2e/test_tls.py",
)
"""Files of tests that do not run: they test child processes."""
