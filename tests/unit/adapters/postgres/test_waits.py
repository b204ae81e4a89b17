"""Measurement of waits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.metrics.prometheus import PrometheusMetrics
from adapters.postgres.waits import measure_wait
from domain.errors import ProviderBusy
from ports.driven.metrics import Lock
from tests.support.metrics import read_metrics

WAITS = "pgvend_lock_wait_seconds_count"


@asynccontextmanager
async def hold(error: Exception | None = None) -> AsyncIterator[str]:
    if error:
        raise error
    yield "held"


async def test_an_acquisition_is_counted_when_the_work_begins() -> None:
    metrics = PrometheusMetrics()
    async with measure_wait(metrics, Lock.PLACE, hold()) as value:
        assert value == "held"
        assert read_metrics(metrics, WAITS) == {("lock=place",): 1}
    assert read_metrics(metrics, WAITS) == {("lock=place",): 1}


async def test_a_failed_acquisition_is_not_counted() -> None:
    metrics, error = PrometheusMetrics(), ProviderBusy("Not now.")
    with pytest.raises(ProviderBusy) as raised:
        async with measure_wait(metrics, Lock.SESSION, hold(error)):
            pytest.fail("it was not acquired")
    assert raised.value is error
    assert read_metrics(metrics, WAITS) == {}
