"""Provider calls by name, and the events that they log."""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.provisioning import Order
from ports.driven.database_provider import DatabaseProvider
from tests.support.provision_requests import new_order, rotated

ORDER = new_order()

Events = list[MutableMapping[str, Any]]
Call = Callable[[DatabaseProvider, Order], Awaitable[Any]]

CHANGES: dict[str, Call] = {
    "provision": lambda provider, order: provider.provision(order),
    "rotate": lambda provider, order: provider.rotate(rotated(order)),
    "suspend": lambda provider, order: provider.suspend(order.tenant),
    "delete": lambda provider, order: provider.delete(order.tenant),
}

READS: dict[str, Call] = {
    "reveal": lambda provider, order: provider.reveal(order),
    "inventory": lambda provider, _: provider.inventory(),
    "ping": lambda provider, _: provider.ping(),
}

CALLS = CHANGES | READS


@pytest.fixture
def events() -> Iterator[Events]:
    with capture_logs() as captured:
        yield captured
