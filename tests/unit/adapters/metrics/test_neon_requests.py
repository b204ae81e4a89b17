"""Measurement of requests to Neon's API."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import pytest

from adapters.metrics.neon_requests import NeonRequestMeter
from adapters.metrics.prometheus import PrometheusMetrics
from domain.errors import ProviderBusy
from tests.support.clock import FakeClock
from tests.support.metrics import read_metrics

REQUEST = ("POST", "console.neon.tech", "/projects/p/branches/b/roles/confidential")


def test_a_request_is_counted_by_its_method_and_not_by_its_path() -> None:
    clock, metrics = FakeClock(), PrometheusMetrics()

    with NeonRequestMeter(clock, metrics)(*REQUEST) as headers:
        clock.passed += 0.25

    assert headers == {}
    assert read_metrics(metrics, "pgvend_neon_requests_total") == {
        ("method=POST", "outcome=done"): 1
    }
    assert read_metrics(metrics, "pgvend_neon_request_duration_seconds_sum") == {
        ("method=POST",): 0.25
    }
    assert b"confidential" not in metrics.render("").body


def test_a_failed_request_has_the_code_of_its_error() -> None:
    metrics = PrometheusMetrics()
    with pytest.raises(ProviderBusy), NeonRequestMeter(FakeClock(), metrics)(*REQUEST):
        raise ProviderBusy
    assert read_metrics(metrics, "pgvend_neon_requests_total") == {
        ("method=POST", "outcome=provider_busy"): 1
    }


def test_a_request_is_traced_too() -> None:
    seen: list[object] = []

    @contextmanager
    def trace(method: str, server: str, path: str) -> Iterator[Mapping[str, str]]:
        seen.append((method, server, path))
        try:
            yield {"traceparent": "00-1-2-01"}
        except ProviderBusy as error:
            seen.append(error)
            raise

    meter, error = NeonRequestMeter(FakeClock(), PrometheusMetrics(), trace), ProviderBusy()
    with suppress(ProviderBusy), meter(*REQUEST) as headers:
        seen.append(headers)
        raise error
    assert seen == [REQUEST, {"traceparent": "00-1-2-01"}, error]
