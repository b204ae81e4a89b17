"""The use cases of the service, created over its adapters."""

from dataclasses import dataclass

from domain.api_key_cache import ApiKeyCache
from domain.passwords import PasswordDeriver
from entrypoints.config.settings import Settings
from ports.driven.api_key_store import ApiKeyStore
from ports.driven.audit_log import AuditLog
from ports.driven.clock import Clock
from ports.driven.database_provider import DatabaseProvider
from ports.driven.guard import Guard
from ports.driven.leases import Leases
from ports.driven.login_check import LoginCheck
from ports.driven.randomness import Randomness
from ports.driven.rate_limiter import RateLimiter
from ports.driven.registry import Registry
from ports.driven.size_limiter import SizeLimiter
from ports.use_cases.add_extension import AddExtension
from ports.use_cases.audit_events import AuditEvents
from ports.use_cases.authenticate_caller import AuthenticateCaller
from ports.use_cases.change_database import ChangeDatabase
from ports.use_cases.check_health import CheckHealth
from ports.use_cases.create_database import CreateDatabase
from ports.use_cases.delete_database import DeleteDatabase
from ports.use_cases.detect_drift import DetectDrift
from ports.use_cases.expire_database import ExpireDatabase
from ports.use_cases.guard_server import GuardServer
from ports.use_cases.limit_sizes import LimitSizes
from ports.use_cases.list_databases import ListDatabases
from ports.use_cases.list_extensions import ListExtensions
from ports.use_cases.manage_api_keys import ManageApiKeys
from ports.use_cases.provision_database import ProvisionDatabase
from ports.use_cases.reconcile import Reconcile
from ports.use_cases.reconcile_tasks import map_detectors, map_finishers
from ports.use_cases.restore_database import RestoreDatabase
from ports.use_cases.rotate_password import RotatePassword
from ports.use_cases.show_connection import ShowConnection
from ports.use_cases.show_database import ShowDatabase
from ports.use_cases.watch_database import WatchDatabase


@dataclass(frozen=True, kw_only=True)
class UseCases:
    """`guard_server` is None for providers without a guard."""

    create: CreateDatabase
    show: ShowDatabase
    show_connection: ShowConnection
    list: ListDatabases
    watch: WatchDatabase
    change: ChangeDatabase
    rotate: RotatePassword
    restore: RestoreDatabase
    delete: DeleteDatabase
    add_extension: AddExtension
    list_extensions: ListExtensions
    reconcile: Reconcile
    guard_server: GuardServer | None
    check_health: CheckHealth
    authenticate: AuthenticateCaller
    keys: ManageApiKeys
    audit: AuditEvents


def create_use_cases(  # noqa: PLR0913 - one argument for each port
    *,
    settings: Settings,
    clock: Clock,
    randomness: Randomness,
    passwords: PasswordDeriver,
    registry: Registry,
    leases: Leases,
    keys: ApiKeyStore,
    audit_log: AuditLog,
    rate_limiter: RateLimiter,
    failures: RateLimiter,
    provider: DatabaseProvider,
    login_check: LoginCheck,
    reveal_check: LoginCheck | None,
    restore_check: LoginCheck | None,
    size_limiter: SizeLimiter,
    guard: Guard | None,
) -> UseCases:
    target, expiry, key_cache = settings.target, settings.expiry_policy, ApiKeyCache()
    audit = AuditEvents(audit_log=audit_log, clock=clock, randomness=randomness)
    delete = DeleteDatabase(
        registry=registry, provider=provider, leases=leases, clock=clock, target=target
    )
    expire = ExpireDatabase(
        registry=registry,
        provider=provider,
        leases=leases,
        clock=clock,
        delete=delete,
        grace=settings.grace,
    )
    rotate = RotatePassword(
        registry=registry,
        provider=provider,
        leases=leases,
        clock=clock,
        target=target,
        passwords=passwords,
        randomness=randomness,
    )
    restore = RestoreDatabase(
        registry=registry,
        provider=provider,
        leases=leases,
        clock=clock,
        target=target,
        passwords=passwords,
        randomness=randomness,
        login_check=restore_check,
        expiry=expiry,
    )
    add_extension = AddExtension(
        registry=registry,
        provider=provider,
        leases=leases,
        clock=clock,
        target=target,
        passwords=passwords,
    )
    provision = ProvisionDatabase(
        registry=registry,
        provider=provider,
        clock=clock,
        passwords=passwords,
        randomness=randomness,
        login_check=login_check,
        delete=delete,
    )
    create = CreateDatabase(
        registry=registry,
        provider=provider,
        leases=leases,
        clock=clock,
        target=target,
        passwords=passwords,
        randomness=randomness,
        expiry=expiry,
        provision=provision,
    )
    detect_drift = DetectDrift(
        registry=registry, provider=provider, leases=leases, clock=clock, target=target
    )
    limit_sizes = LimitSizes(
        registry=registry,
        size_limiter=size_limiter,
        leases=leases,
        clock=clock,
        target=target,
        limit=settings.size_limit,
    )
    reconcile = Reconcile(
        registry=registry,
        leases=leases,
        clock=clock,
        target=target,
        audit=audit,
        finishers=map_finishers(
            create, delete, expire, rotate, add_extension, restore, limit_sizes
        ),
        detectors=map_detectors(detect_drift=detect_drift, limit_sizes=limit_sizes),
    )
    guard_server = GuardServer(guard, settings.guard_policy, clock) if guard else None
    return UseCases(
        create=create,
        show=ShowDatabase(registry=registry),
        show_connection=ShowConnection(
            registry=registry,
            provider=provider,
            clock=clock,
            target=target,
            passwords=passwords,
            login_check=reveal_check,
        ),
        list=ListDatabases(registry=registry),
        watch=WatchDatabase(registry=registry, clock=clock),
        change=ChangeDatabase(registry=registry, clock=clock, expiry=expiry),
        rotate=rotate,
        restore=restore,
        delete=delete,
        add_extension=add_extension,
        list_extensions=ListExtensions(provider=provider),
        reconcile=reconcile,
        guard_server=guard_server,
        check_health=CheckHealth(registry=registry, provider=provider, guard=guard_server),
        authenticate=AuthenticateCaller(
            key_store=keys,
            rate_limiter=rate_limiter,
            failures=failures,
            clock=clock,
            key_cache=key_cache,
            static_keys=settings.static_keys,
            is_open=settings.is_open,
            anonymous=settings.anonymous_create,
        ),
        keys=ManageApiKeys(key_store=keys, clock=clock, randomness=randomness, key_cache=key_cache),
        audit=audit,
    )
