"""Retries with short pauses."""

from adapters.decorators.retrying import Retrying
from adapters.system.clock import SystemClock
from adapters.system.randomness import SystemRandomness
from domain.retry import RetryPolicy

RETRYING = Retrying(
    RetryPolicy(attempts=1000, base=0.01, cap=0.1, deadline=20), SystemClock(), SystemRandomness()
)
