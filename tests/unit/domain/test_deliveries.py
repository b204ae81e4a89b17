"""Deliveries: the pauses between attempts, and their end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.deliveries import LONGEST_PAUSE, PAUSES, Delivery
from domain.errors import DeliveryFailed

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DELIVERY = Delivery(id="evt_1", webhook_id="wh_1", url="https://hooks.example", body=b"{}")


def test_a_delivery_is_repeated_for_three_days_and_then_given_up() -> None:
    delivery, now = replace(DELIVERY, due_at=NOW), NOW
    while delivery.due_at:
        now = delivery.due_at
        delivery = delivery.fail(DeliveryFailed("No."), now)

    assert delivery.is_given_up
    assert (delivery.attempts, delivery.error) == (len(PAUSES) + 1, "No.")
    assert timedelta(days=2.5) < now - NOW < timedelta(days=3)


def test_pauses_become_longer() -> None:
    assert sorted(PAUSES) == list(PAUSES)
    assert timedelta(0) < PAUSES[0] < timedelta(minutes=1)


def test_an_attempt_changes_nothing_but_its_outcome() -> None:
    failed = DELIVERY.fail(DeliveryFailed("No."), NOW)
    assert failed == replace(DELIVERY, attempts=1, due_at=NOW + PAUSES[0], error="No.")


def test_a_final_failure_gives_the_delivery_up_at_once() -> None:
    assert DELIVERY.fail(DeliveryFailed("Gone.", retryable=False), NOW).is_given_up


@pytest.mark.parametrize(
    ("requested", "pause"),
    [
        (None, PAUSES[0]),
        (0.0, PAUSES[0]),
        (1.0, PAUSES[0]),
        (3600.0, timedelta(hours=1)),
        (1e9, LONGEST_PAUSE),
    ],
)
def test_a_receiver_can_ask_for_a_longer_pause(requested: float | None, pause: timedelta) -> None:
    failed = DELIVERY.fail(DeliveryFailed("Later.", retry_after=requested), NOW)
    assert failed.due_at == NOW + pause
