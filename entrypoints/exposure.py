"""What the settings alone tell: who gets in, over what, and where the service keeps its own."""

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.anonymous import AnonymousAccess
from domain.checkup import Check, Outcome, Verdict
from domain.errors import StartupError
from domain.hosts import is_loopback
from entrypoints.data_folder import refuse_foreign
from entrypoints.environment import PREFIX
from entrypoints.provider_settings import ProviderName
from entrypoints.setting_types import ANY_ORIGIN
from entrypoints.settings import Settings
from entrypoints.settings_loading import ignored_variables
from entrypoints.tls import tls_of
from ports.driven.examination import Examination


@dataclass(frozen=True)
class SettingsExamination(Examination):
    settings: Settings

    async def examine(self) -> AsyncGenerator[Check, None]:
        yield Check("callers", callers(self.settings))
        yield Check("way in", _answered(lambda: way_in(self.settings)))
        yield Check("browsers", browsers(self.settings))
        yield Check("variables", variables(ignored_variables()))
        yield Check("public host", public_host(self.settings))
        if self.settings.provider is ProviderName.EMBEDDED or self.settings.registry_file:
            yield Check("data folder", _answered(lambda: data_folder(self.settings.data_dir)))
        if self.settings.provider is ProviderName.MEMORY:
            told = "memory: the databases that it hands out do not exist."
            yield Check("provider", Outcome(Verdict.WARN, told))


def callers(settings: Settings) -> Outcome:
    if not settings.is_open:
        return Outcome(Verdict.OK, f"Callers need a key{_exception(settings.anonymous_create)}.")
    if settings.trusted_proxies:
        return Outcome(
            Verdict.FAIL,
            "Whoever PGVEND_TRUSTED_PROXIES let through could have databases, so that pgvend "
            "starts with --insecure only: set PGVEND_API_KEYS or PGVEND_ADMIN_KEY.",
        )
    if settings.is_loopback:
        return Outcome(Verdict.OK, "No keys: who is on this machine may ask, and nobody else.")
    return Outcome(
        Verdict.FAIL,
        f"Whoever reaches {settings.host} could have databases, so that pgvend starts there with "
        "--insecure only: set PGVEND_API_KEYS or PGVEND_ADMIN_KEY, or listen on HOST=127.0.0.1.",
    )


def _exception(anonymous: AnonymousAccess | None) -> str:
    if anonymous is None:
        return ""
    return (
        f", but for creation by the original route: {anonymous.rate} for each address, "
        f"{anonymous.quota} databases at once, each for {anonymous.longest} at most"
    )


def way_in(settings: Settings) -> Outcome:
    """Raises StartupError."""
    if tls_of(settings):
        return Outcome(Verdict.OK, f"The service listens on {settings.host}, with TLS.")
    if settings.is_loopback:
        return Outcome(Verdict.OK, f"The service listens on {settings.host}, for this machine.")
    if settings.trusted_proxies:
        return Outcome(Verdict.OK, "TLS is the affair of PGVEND_TRUSTED_PROXIES.")
    return Outcome(
        Verdict.WARN,
        f"The service listens on {settings.host} without TLS, and passwords are in its answers: "
        "set PGVEND_TLS_CERT and PGVEND_TLS_KEY, or put a proxy with TLS in front.",
    )


def browsers(settings: Settings) -> Outcome:
    origins = settings.cors_allow_origins
    if ANY_ORIGIN in origins:
        return Outcome(
            Verdict.WARN,
            "Every page on the web may ask by its visitors' browsers: name the origins in "
            "CORS_ALLOW_ORIGINS.",
        )
    told = (
        f"Pages of {', '.join(origins)} may ask." if origins else "Only pages of its own may ask."
    )
    return Outcome(Verdict.OK, told)


def variables(ignored: Sequence[str]) -> Outcome:
    if ignored:
        return Outcome(Verdict.WARN, " ".join(ignored))
    return Outcome(Verdict.OK, f"Every variable that begins with {PREFIX} is a setting.")


def public_host(settings: Settings) -> Outcome:
    advice = unreachable_host(settings)
    return (
        Outcome(Verdict.WARN, advice)
        if advice
        else Outcome(Verdict.OK, "Connections name a host that the service's callers can reach.")
    )


def unreachable_host(settings: Settings) -> str | None:
    """Return what is wrong, and what to do, where callers come from other machines and connections
    name this one's loopback address."""
    is_remote = not settings.is_loopback or settings.trusted_proxies
    host = settings.handed_out_host
    if not is_remote or host is None or not is_loopback(host):
        return None
    listen = (
        " and PGVEND_EMBEDDED_LISTEN to an address of this machine"
        if settings.provider is ProviderName.EMBEDDED
        else ""
    )
    return (
        f"Callers come from other machines, and connections name {host}: set PGVEND_PUBLIC_HOST to "
        f"this machine's name{listen}."
    )


def data_folder(folder: Path) -> Outcome:
    """Raises StartupError and OSError."""
    place = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        return Outcome(
            Verdict.FAIL,
            f"{place} may not be written to: set PGVEND_DATA_DIR to a folder that pgvend may "
            "write to.",
        )
    if not folder.exists():
        return Outcome(Verdict.OK, f"{folder.absolute()} is made at the first start.")
    refuse_foreign(folder)
    if folder.stat().st_mode & 0o077:
        return Outcome(Verdict.WARN, f"{folder.absolute()} is open to others; the start closes it.")
    return Outcome(Verdict.OK, f"{folder.absolute()}, for nobody else.")


def _answered(look: Callable[[], Outcome]) -> Outcome:
    try:
        return look()
    except StartupError as error:
        return Outcome(Verdict.FAIL, str(error))
    except OSError as error:
        told = f"{error.filename} cannot be looked at ({error.strerror})."
        return Outcome(Verdict.FAIL, told)
