"""Measurement of the calls to ports."""

import asyncio

import pytest

from adapters.metrics.prometheus import PrometheusMetrics
from adapters.metrics.steps import StepMeter
from domain.errors import ProviderBusy
from tests.support.clock import FakeClock
from tests.support.metrics import read_metrics

STEP = "step=provider.provision"


async def test_a_call_is_a_step_with_its_duration_and_without_its_id() -> None:
    clock, metrics = FakeClock(), PrometheusMetrics()

    with StepMeter(clock, metrics)("provider.provision", id="db_1"):
        clock.passed += 0.25

    assert read_metrics(metrics, "pgvend_step_duration_seconds_sum") == {(STEP,): 0.25}
    assert read_metrics(metrics, "pgvend_step_errors_total") == {}
    assert b"db_1" not in metrics.render("").body


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ProviderBusy("password=hunter2"), "provider_busy"),
        (asyncio.CancelledError(), "cancelled"),
        (ValueError("password=hunter2"), "internal_error"),
    ],
)
async def test_a_failed_call_has_the_code_of_its_error(error: BaseException, outcome: str) -> None:
    metrics = PrometheusMetrics()

    with (
        pytest.raises(type(error)) as raised,
        StepMeter(FakeClock(), metrics)("provider.provision"),
    ):
        raise error

    assert raised.value is error
    assert read_metrics(metrics, "pgvend_step_errors_total") == {(f"error={outcome}", STEP): 1}
    assert read_metrics(metrics, "pgvend_step_duration_seconds_count") == {(STEP,): 1}
    assert b"hunter2" not in metrics.render("").body
