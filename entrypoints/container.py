"""The composition root: the use cases, over what `outside` puts behind the ports. Which adapters
there are is known there, in `resources` and in the `*_parts`, and nowhere else."""

import asyncio
import inspect
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from operator import attrgetter
from typing import Any, ClassVar, TypeVar

from dependency_injector import providers

from domain.expiry import ExpiryPolicy
from entrypoints.guard_parts import guard_policy, guard_server
from entrypoints.http.guarding import Guarding
from entrypoints.http.sweeping import Sweeping
from entrypoints.outside import Outside
from entrypoints.settings import Settings
from entrypoints.use_cases import UseCases
from ports.driving.add_extension import AddExtension
from ports.driving.admit import AdmitCaller
from ports.driving.audit import Audit
from ports.driving.change import ChangeDatabase
from ports.driving.check_health import CheckHealth
from ports.driving.confine import ConfineDatabases
from ports.driving.connect import ShowConnection
from ports.driving.delete import DeleteDatabase
from ports.driving.expire import ExpireDatabase
from ports.driving.list import ListDatabases
from ports.driving.list_extensions import ListExtensions
from ports.driving.make import MakeDatabase
from ports.driving.manage_keys import ManageKeys
from ports.driving.reconcile import DetectDrift
from ports.driving.reconcile_actions import map_detectors, map_finishers
from ports.driving.restore import RestoreDatabase
from ports.driving.rotate import RotatePassword
from ports.driving.show import ShowDatabase
from ports.driving.sweep import Sweep
from ports.driving.vend import VendDatabase
from ports.driving.watch import WatchDatabase

T = TypeVar("T")

Parts = Mapping[str, providers.Provider[Any]]
"""What several use cases are given, by the names that they know it by."""


def _expiry(settings: Settings) -> ExpiryPolicy:
    return ExpiryPolicy(default=settings.default_ttl, longest=settings.max_ttl)


def _grace(settings: Settings) -> timedelta:
    return settings.grace_period or timedelta(0)


class Container(Outside):
    """Give it `settings` and `secret`."""

    target = providers.Callable(attrgetter("target"), Outside.settings)
    expiry = providers.Singleton(_expiry, Outside.settings)
    grace = providers.Callable(_grace, Outside.settings)
    records_only: ClassVar[Parts] = {"registry": Outside.registry, "clock": Outside.clock}
    made: ClassVar[Parts] = {**records_only, "provider": Outside.provider, "target": target}
    outside: ClassVar[Parts] = {**made, "leases": Outside.leases}

    delete = providers.Singleton(DeleteDatabase, **outside)
    expire = providers.Singleton(
        ExpireDatabase,
        **records_only,
        provider=Outside.provider,
        leases=Outside.leases,
        delete=delete,
        grace=grace,
    )
    rotate = providers.Singleton(
        RotatePassword, **outside, passwords=Outside.passwords, randomness=Outside.randomness
    )
    restore = providers.Singleton(
        RestoreDatabase,
        **outside,
        passwords=Outside.passwords,
        randomness=Outside.randomness,
        login_check=Outside.password_check_if_any,
        expiry=expiry,
    )
    add_extension = providers.Singleton(AddExtension, **outside, passwords=Outside.passwords)
    make = providers.Singleton(
        MakeDatabase,
        **records_only,
        provider=Outside.provider,
        login_check=Outside.login_check,
        delete=delete,
        randomness=Outside.randomness,
        passwords=Outside.passwords,
    )
    vend = providers.Singleton(
        VendDatabase,
        **outside,
        provision=make,
        randomness=Outside.randomness,
        passwords=Outside.passwords,
        expiry=expiry,
    )
    audit = providers.Singleton(
        Audit, trail=Outside.trail, clock=Outside.clock, randomness=Outside.randomness
    )
    detect_drift = providers.Singleton(DetectDrift, **outside)
    limit_sizes = providers.Singleton(
        ConfineDatabases,
        **records_only,
        size_guard=Outside.size_guard,
        leases=Outside.leases,
        target=target,
        limit=providers.Callable(attrgetter("size_limit"), Outside.settings),
    )
    sweep = providers.Singleton(
        Sweep,
        audit=audit,
        **records_only,
        leases=Outside.leases,
        target=target,
        finishers=providers.Callable(
            map_finishers, vend, delete, expire, rotate, add_extension, restore, limit_sizes
        ),
        detectors=providers.Callable(
            map_detectors, detect_drift=detect_drift, limit_sizes=limit_sizes
        ),
    )
    sweep_interval = providers.Callable(attrgetter("sweep_interval"), Outside.settings)
    sweeping = providers.Singleton(Sweeping, sweep, sweep_interval, Outside.clock, Outside.log)

    guard_server = providers.Singleton(
        guard_server,
        Outside.guard,
        providers.Callable(guard_policy, Outside.settings),
        Outside.clock,
    )
    guarding = providers.Singleton(Guarding, guard_server, Outside.log)

    use_cases = providers.Singleton(
        UseCases,
        vend=vend,
        show=providers.Singleton(ShowDatabase, registry=Outside.registry),
        connect=providers.Singleton(
            ShowConnection,
            **made,
            login_check=Outside.login_check_if_any,  # once: the caller waits, and gets it anyway
            passwords=Outside.passwords,
        ),
        list=providers.Singleton(ListDatabases, registry=Outside.registry),
        watch=providers.Singleton(WatchDatabase, **records_only),
        change=providers.Singleton(ChangeDatabase, **records_only, expiry=expiry),
        rotate=rotate,
        restore=restore,
        delete=delete,
        add_extension=add_extension,
        list_extensions=providers.Singleton(ListExtensions, provider=Outside.provider),
        sweep=sweep,
        check_health=providers.Singleton(
            CheckHealth,
            registry=Outside.registry,
            provider=Outside.provider,
            guard=guard_server,
        ),
        admit=providers.Singleton(
            AdmitCaller,
            ring=Outside.key_ring,
            rate_limiter=Outside.rates,
            failures=Outside.failures,
            clock=Outside.clock,
            known=Outside.known_keys,
            static_keys=providers.Callable(attrgetter("static_keys"), Outside.settings),
            is_open=providers.Callable(attrgetter("is_open"), Outside.settings),
            anonymous=providers.Callable(attrgetter("anonymous_create"), Outside.settings),
        ),
        keys=providers.Singleton(
            ManageKeys,
            ring=Outside.key_ring,
            clock=Outside.clock,
            randomness=Outside.randomness,
            known=Outside.known_keys,
        ),
        audit=audit,
    )


async def resolved(value: T | Awaitable[T]) -> T:
    """dependency-injector answers with an awaitable when anything below is asynchronous, and its
    types do not say so: this is the one place that knows.

    Shielded, because its futures do not take a cancellation: what is being opened is opened, and
    closed with the rest.
    """
    return await asyncio.shield(value) if inspect.isawaitable(value) else value
