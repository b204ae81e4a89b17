"""The use cases that concern callers and their keys, created over their adapters."""

from dataclasses import dataclass, field

from domain.api_key_cache import ApiKeyCache
from entrypoints.config.settings import Settings
from entrypoints.wiring.tracing import Tracing, use_case
from ports.driven.api_key_store import ApiKeyStore
from ports.driven.audit_log import AuditLog
from ports.driven.clock import Clock
from ports.driven.randomness import Randomness
from ports.driven.rate_limiter import RateLimiter
from ports.driven.registry import Registry
from ports.use_cases.audit_events import AuditEvents
from ports.use_cases.authenticate_caller import AuthenticateCaller
from ports.use_cases.describe_caller import DescribeCaller
from ports.use_cases.exchange_key import ExchangeKey
from ports.use_cases.manage_api_keys import ManageApiKeys


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may call the service, and what they did. `failures` limits wrong keys and codes."""

    settings: Settings
    clock: Clock
    randomness: Randomness
    registry: Registry
    key_store: ApiKeyStore
    audit_log: AuditLog
    rate_limiter: RateLimiter
    failures: RateLimiter
    tracing: Tracing | None = None
    key_cache: ApiKeyCache = field(default_factory=ApiKeyCache)

    @use_case
    def authenticate(self) -> AuthenticateCaller:
        return AuthenticateCaller(
            key_store=self.key_store,
            rate_limiter=self.rate_limiter,
            failures=self.failures,
            clock=self.clock,
            key_cache=self.key_cache,
            static_keys=self.settings.static_keys,
            is_open=self.settings.is_open,
            anonymous=self.settings.anonymous_create,
        )

    @use_case
    def describe_caller(self) -> DescribeCaller:
        return DescribeCaller(registry=self.registry)

    @use_case
    def exchange_key(self) -> ExchangeKey:
        return ExchangeKey(clock=self.clock, randomness=self.randomness, failures=self.failures)

    @use_case
    def keys(self) -> ManageApiKeys:
        return ManageApiKeys(
            key_store=self.key_store,
            clock=self.clock,
            randomness=self.randomness,
            key_cache=self.key_cache,
        )

    @use_case
    def audit(self) -> AuditEvents:
        return AuditEvents(audit_log=self.audit_log, clock=self.clock, randomness=self.randomness)
