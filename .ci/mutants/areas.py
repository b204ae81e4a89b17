"""The parts of the product that are mutated, and the tests that are asked."""

from pathlib import Path

ROOT = Path(__file__).parents[2]

AREAS = ("domain", "ports/driving", "adapters/decorators", "entrypoints/http", "adapters/postgres")

PACKAGES = ("domain", "ports", "adapters", "entrypoints")
"""What imports what is looked up in all of these."""

TESTS = (
    "tests/unit",
    "tests/contract",
    "tests/e2e",
    "tests/security",
    "tests/integration/registry",
    "tests/integration/examining",
    "tests/integration/postgres",
)
"""Tests that run the product in their own process. Child processes are not measured."""
