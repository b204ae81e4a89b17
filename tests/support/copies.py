"""Copies of databases, which are deleted at the end of a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from domain.connection import Connection
from domain.provisioning import ProvisionRequest
from tests.support.databases import provisioned_database
from tests.support.obstacles import run
from tests.support.postgres_under_test import PostgresUnderTest
from tests.support.provision_requests import new_provision_request


@asynccontextmanager
async def copied(
    postgres: PostgresUnderTest, *statements: str
) -> AsyncIterator[tuple[Connection, Connection]]:
    """Yield a source in which the statements ran, and its copy."""
    source = new_provision_request()
    async with provisioned_database(postgres.provider, source) as of_source:
        await run(of_source, *statements)
        async with provisioned_database(postgres.provider, copy_of(source)) as of_copy:
            yield of_source, of_copy


def copy_of(source: ProvisionRequest) -> ProvisionRequest:
    return replace(new_provision_request(), source=source.tenant)
