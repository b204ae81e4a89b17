"""Provider calls by name, and the events that they log."""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.provisioning import ProvisionRequest
from ports.driven.database_provider import DatabaseProvider
from tests.support.provision_requests import new_provision_request, with_next_password

ORDER = new_provision_request()

Events = list[MutableMapping[str, Any]]
Call = Callable[[DatabaseProvider, ProvisionRequest], Awaitable[Any]]

CHANGES: dict[str, Call] = {
    "provision": lambda provider, provision_request: provider.provision(provision_request),
    "rotate": lambda provider, provision_request: provider.rotate(
        with_next_password(provision_request)
    ),
    "suspend": lambda provider, provision_request: provider.suspend(provision_request.tenant),
    "delete": lambda provider, provision_request: provider.delete(provision_request.tenant),
}

READS: dict[str, Call] = {
    "reveal": lambda provider, provision_request: provider.reveal(provision_request),
    "inventory": lambda provider, _: provider.inventory(),
    "ping": lambda provider, _: provider.ping(),
}

CALLS = CHANGES | READS


@pytest.fixture
def events() -> Iterator[Events]:
    with capture_logs() as captured:
        yield captured
