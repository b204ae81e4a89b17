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

EXCLUDED = (
    *("embedded-16", "postgres-16", "postgres-18", "neon"),
    *("server_16", "server_18", "bundled_16"),
    *(
        "test_command",
        "test_browser",
        "test_ten_thousand",
        "test_doctor",
        "test_neon",
        "test_not_starting",
    ),
    *("test_serving", "test_tls", "test_stopping", "test_killed", "test_faults_killed"),
)
"""Parts of the names of tests that do not run: other versions of PostgreSQL, and tests of child
processes."""
