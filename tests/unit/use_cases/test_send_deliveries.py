"""Sending the deliveries that are due: attempts, retries, order and fairness."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.memory.webhooks import MemoryDeliveryQueue
from domain.deliveries import PAUSES, Delivery
from domain.delivery_lanes import MAX_SLOW, MAX_WEBHOOKS
from domain.errors import DeliveryFailed, SecretUnknown, Unavailable
from domain.webhooks import derive_signing_secret
from ports.driven.metrics import DONE, Metrics
from ports.use_cases.send_deliveries import CRASHED, PER_WEBHOOK, REPEAT_AFTER, SendDeliveries
from tests.support.provision_requests import deriver
from tests.support.scripted_webhooks import BODY, Webhooks

REFUSED = DeliveryFailed("The receiver answered with HTTP status 500.", status=500)


class LosingQueue(MemoryDeliveryQueue):
    """A queue of a registry that can be made unreachable."""

    is_lost = False

    async def remove(self, delivery: Delivery) -> None:
        if self.is_lost:
            raise Unavailable
        await super().remove(delivery)

    async def update(self, delivery: Delivery) -> None:
        if self.is_lost:
            raise Unavailable
        await super().update(delivery)


class KeptMetrics(Metrics):
    def __init__(self) -> None:
        self.deliveries: list[tuple[str, float]] = []

    def count_delivery(self, outcome: str, seconds: float) -> None:
        self.deliveries.append((outcome, seconds))


async def test_an_accepted_delivery_is_sent_once() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1")

    [result] = await webhooks.send_due()

    assert result.is_accepted
    assert webhooks.store.queue == []
    [sent] = webhooks.sender.sent
    assert (sent.id, sent.url, sent.body) == ("evt_1", "https://wh_1.example", BODY)
    assert await webhooks.send_due() == []


async def test_a_delivery_is_signed_with_the_secret_of_its_webhook() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1")
    webhooks.add("evt_2", webhook="wh_2")

    await webhooks.send_due()

    expected = [
        derive_signing_secret(deriver, each, deriver.current, "n0") for each in ("wh_1", "wh_2")
    ]
    assert webhooks.sender.secrets == expected
    assert expected[0] != expected[1]


async def test_a_failed_delivery_is_repeated_with_the_same_id_when_it_is_due() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1")
    webhooks.sender.errors["wh_1"] = [REFUSED]

    [result] = await webhooks.send_due()
    assert not result.is_accepted
    assert result.delivery.error == str(REFUSED)
    assert await webhooks.send_due() == []

    webhooks.move(PAUSES[0])
    [result] = await webhooks.send_due()
    assert result.is_accepted
    assert webhooks.sender.ids == ["evt_1", "evt_1"]


async def test_an_outage_of_the_receiver_loses_nothing() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1", "evt_2", "evt_3")
    webhooks.sender.errors["wh_1"] = [REFUSED] * 9

    for pause in (timedelta(0), *PAUSES[:3]):
        webhooks.move(pause)
        await webhooks.send_due()

    assert webhooks.sender.ids == ["evt_1", "evt_2", "evt_3"] * 4
    assert webhooks.store.queue == []


async def test_a_delivery_that_never_succeeds_is_given_up_and_kept() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1")
    webhooks.sender.errors["wh_1"] = [REFUSED] * 100

    for pause in (timedelta(0), *PAUSES, timedelta(days=1)):
        webhooks.move(pause)
        await webhooks.send_due()

    [kept] = webhooks.store.queue
    assert kept.is_given_up
    assert (kept.attempts, kept.error) == (len(PAUSES) + 1, str(REFUSED))
    assert len(webhooks.sender.sent) == len(PAUSES) + 1


async def test_a_final_failure_is_not_repeated() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1")
    webhooks.sender.errors["wh_1"] = [DeliveryFailed("Gone.", retryable=False)]

    [result] = await webhooks.send_due()

    assert result.delivery.is_given_up
    webhooks.move(timedelta(days=3))
    assert await webhooks.send_due() == []


async def test_an_unknown_secret_is_a_failure_that_can_pass() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1")
    webhook = webhooks.store.webhooks["wh_1"]
    webhooks.store.webhooks["wh_1"] = replace(webhook, secret="lost")

    [result] = await webhooks.send_due()

    assert webhooks.sender.sent == []
    assert result.delivery.error == str(SecretUnknown())
    webhooks.store.webhooks["wh_1"] = webhook
    webhooks.move(PAUSES[0])
    assert [each.is_accepted for each in await webhooks.send_due()] == [True]


async def test_an_unexpected_error_is_a_failure_and_does_not_stop_the_others() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1", "evt_2")
    crash = ZeroDivisionError()
    webhooks.sender.errors["wh_1"] = [crash]

    first, second = await webhooks.send_due()

    assert (first.crash, first.delivery.error) == (crash, CRASHED)
    assert second.is_accepted


@pytest.mark.parametrize("is_accepted", [True, False])
async def test_a_delivery_whose_outcome_was_not_stored_is_repeated(*, is_accepted: bool) -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1")
    webhooks.sender.errors["wh_1"] = [] if is_accepted else [REFUSED]
    queue = LosingQueue(webhooks.store)
    losing = replace(webhooks.send, queue=queue)
    batch = await losing.claim()
    queue.is_lost = True

    [result] = await losing.send(batch)
    assert isinstance(result.error, Unavailable)
    assert result.is_accepted is is_accepted

    assert await webhooks.send_due() == []
    webhooks.move(REPEAT_AFTER)
    await webhooks.send_due()
    assert webhooks.sender.ids == ["evt_1", "evt_1"]


async def test_a_delivery_of_a_process_that_died_is_repeated_by_another() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1")
    webhooks.sender.held["wh_1"] = asyncio.Event()
    [attempt] = await _start_all(webhooks.send)
    assert webhooks.sender.running == ["evt_1"]
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)

    del webhooks.sender.held["wh_1"]
    webhooks.send = webhooks.start_replica()
    assert await webhooks.send_due() == []
    webhooks.move(REPEAT_AFTER)
    await webhooks.send_due()
    assert webhooks.sender.ids == ["evt_1", "evt_1"]
    assert webhooks.store.queue == []


async def test_messages_about_one_database_are_sent_one_after_the_other() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1", "evt_2")
    webhooks.add("evt_3", database="db_2")
    webhooks.sender.held["wh_1"] = asyncio.Event()

    sending = asyncio.create_task(webhooks.send_due())
    await _let_run()
    assert webhooks.sender.running == ["evt_1", "evt_3"]
    webhooks.sender.held["wh_1"].set()
    await sending
    assert webhooks.sender.ids == ["evt_1", "evt_3", "evt_2"]


async def test_a_webhook_has_few_attempts_at_once() -> None:
    webhooks = Webhooks()
    for number in range(3 * PER_WEBHOOK):
        webhooks.add(f"evt_{number}", database=f"db_{number}")
    webhooks.sender.held["wh_1"] = asyncio.Event()

    assert len(await _start_all(webhooks.send)) == 1
    assert len(webhooks.sender.running) == PER_WEBHOOK


async def test_a_receiver_that_does_not_answer_does_not_hold_up_others() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1", webhook="dead")
    webhooks.sender.held["dead"] = asyncio.Event()
    await _start_all(webhooks.send)

    webhooks.add("evt_2", webhook="live")
    assert [each.delivery.id for each in await webhooks.send_due()] == ["evt_2"]
    assert webhooks.sender.running == ["evt_1"]


async def test_dead_receivers_leave_lanes_to_the_others() -> None:
    webhooks = Webhooks()
    dead = [f"dead-{number}" for number in range(MAX_WEBHOOKS)]
    for each in dead:
        webhooks.add("evt_1", webhook=each)
        webhooks.sender.errors[each] = [REFUSED]
        webhooks.sender.held[each] = asyncio.Event()
        webhooks.sender.held[each].set()
    await webhooks.send_due()

    webhooks.move(PAUSES[0])
    for each in dead:
        webhooks.sender.held[each].clear()
    assert len(await _start_all(webhooks.send)) == MAX_SLOW

    webhooks.add("evt_2", webhook="live")
    assert [each.delivery.id for each in await webhooks.send_due()] == ["evt_2"]


async def test_no_more_webhooks_than_lanes_are_sent_to_at_once() -> None:
    webhooks = Webhooks()
    for number in range(MAX_WEBHOOKS + 3):
        webhooks.add("evt_1", webhook=f"wh_{number}")
        webhooks.sender.held[f"wh_{number}"] = asyncio.Event()

    assert len(await _start_all(webhooks.send)) == MAX_WEBHOOKS


async def test_the_end_of_an_attempt_wakes_the_sender() -> None:
    webhooks = Webhooks()
    webhooks.add("evt_1")
    await webhooks.send_due()
    await asyncio.wait_for(webhooks.send.wait_for_work(), 5)

    waiting = asyncio.create_task(webhooks.send.wait_for_work())
    await _let_run()
    assert not waiting.done()
    webhooks.send.wake()
    await waiting


async def test_attempts_are_counted_by_their_outcome() -> None:
    webhooks, metrics = Webhooks(), KeptMetrics()
    webhooks.add("evt_1", "evt_2", "evt_3")
    webhooks.sender.errors["wh_1"] = [REFUSED, ZeroDivisionError()]
    webhooks.send = replace(webhooks.send, metrics=metrics)

    await webhooks.send_due()

    outcomes = [outcome for outcome, _ in metrics.deliveries]
    assert outcomes == [REFUSED.code, "internal_error", DONE]


async def _start_all(send: SendDeliveries) -> list[asyncio.Task[object]]:
    """Start attempts while lanes are free."""
    tasks: list[asyncio.Task[object]] = []
    while batch := await send.claim():
        tasks.append(asyncio.create_task(send.send(batch)))
    await _let_run()
    return tasks


async def _let_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
