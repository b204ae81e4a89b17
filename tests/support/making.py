"""The use case of vending, put together of what it needs."""

from domain.expiry import ExpiryPolicy
from domain.passwords import PasswordDeriver
from domain.target import Target
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.leases import Leases
from ports.driven.login_check import LoginCheck
from ports.driven.randomness import Randomness
from ports.driven.registry import Registry
from ports.driving.make import MakeDatabase
from ports.driving.retire import RetireDatabase
from ports.driving.vend import VendDatabase
from tests.support.orders import deriver


def vend_with(
    *,
    registry: Registry,
    provider: DatabaseProvider,
    login_check: LoginCheck,
    leases: Leases,
    clock: Clock,
    randomness: Randomness,
    expiry: ExpiryPolicy,
    target: Target,
    passwords: PasswordDeriver = deriver,
) -> VendDatabase:
    retire = RetireDatabase(
        registry=registry, provider=provider, leases=leases, clock=clock, target=target
    )
    make = MakeDatabase(
        registry=registry,
        provider=provider,
        login_check=login_check,
        retire=retire,
        clock=clock,
        randomness=randomness,
        passwords=passwords,
    )
    return VendDatabase(
        registry=registry,
        provider=provider,
        leases=leases,
        make=make,
        clock=clock,
        randomness=randomness,
        passwords=passwords,
        expiry=expiry,
        target=target,
    )
