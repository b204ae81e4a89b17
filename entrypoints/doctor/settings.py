"""Doctor checks of the settings: callers, network, browsers, variables and the data folder."""

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.callers import AnonymousAccess
from domain.doctor import DoctorCheck, Outcome, Verdict
from domain.errors import StartupError
from entrypoints.config.data_folder import refuse_foreign_folder
from entrypoints.config.environment import PREFIX
from entrypoints.config.exposure import find_open_access, find_unreachable_host
from entrypoints.config.field_types import ANY_ORIGIN
from entrypoints.config.loading import find_ignored_variables
from entrypoints.config.local_key import KEY_FILE
from entrypoints.config.provider import ProviderName
from entrypoints.config.settings import Settings
from entrypoints.config.tls import create_tls_context
from ports.driven.doctor import DoctorChecks


@dataclass(frozen=True)
class SettingsChecks(DoctorChecks):
    settings: Settings

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        yield DoctorCheck("callers", check_callers(self.settings))
        yield DoctorCheck("network", _with_errors(lambda: check_network(self.settings)))
        yield DoctorCheck("browsers", check_browsers(self.settings))
        yield DoctorCheck("variables", check_variables(find_ignored_variables()))
        yield DoctorCheck("public host", check_public_host(self.settings))
        if _uses_data_folder(self.settings):
            folder = self.settings.data_dir
            yield DoctorCheck("data folder", _with_errors(lambda: check_data_folder(folder)))
        if self.settings.provider is ProviderName.MEMORY:
            detail = "memory: connections lead to databases that do not exist."
            yield DoctorCheck("provider", Outcome(Verdict.WARN, detail))


def _uses_data_folder(settings: Settings) -> bool:
    has_files = settings.provider is ProviderName.EMBEDDED or settings.registry_file
    return bool(has_files or find_open_access(settings))


def check_callers(settings: Settings) -> Outcome:
    if problem := find_open_access(settings):
        if settings.registry_url:
            return Outcome(Verdict.FAIL, problem)
        file = settings.data_dir.absolute() / KEY_FILE
        return Outcome(Verdict.OK, f"Callers need a key: {file}, which the first start creates.")
    if settings.is_open:
        return Outcome(Verdict.OK, "No keys: callers on this machine need none.")
    exception = _describe_anonymous(settings.anonymous_create)
    return Outcome(Verdict.OK, f"Callers need a key{exception}.")


def _describe_anonymous(anonymous: AnonymousAccess | None) -> str:
    if anonymous is None:
        return ""
    return (
        f", except to create databases by the original route: {anonymous.rate} for each address, "
        f"{anonymous.quota} databases at once, each for {anonymous.max_ttl} at most"
    )


def check_network(settings: Settings) -> Outcome:
    """Raises StartupError."""
    if create_tls_context(settings):
        return Outcome(Verdict.OK, f"The service listens on {settings.host} with TLS.")
    if settings.is_loopback:
        return Outcome(Verdict.OK, f"The service listens on {settings.host}, for this machine.")
    if settings.trusted_proxies:
        return Outcome(Verdict.OK, "PGVEND_TRUSTED_PROXIES are responsible for TLS.")
    return Outcome(
        Verdict.WARN,
        f"The service listens on {settings.host} without TLS, and its answers hold passwords: "
        "set PGVEND_TLS_CERT and PGVEND_TLS_KEY, or use a proxy with TLS.",
    )


def check_browsers(settings: Settings) -> Outcome:
    origins = settings.cors_allow_origins
    if ANY_ORIGIN in origins:
        return Outcome(
            Verdict.WARN,
            "Every web page can call the API from its visitors' browsers: list the origins in "
            "CORS_ALLOW_ORIGINS.",
        )
    if origins:
        return Outcome(Verdict.OK, f"Pages of {', '.join(origins)} can call the API.")
    return Outcome(Verdict.OK, "Only pages of the service itself can call the API.")


def check_variables(ignored: Sequence[str]) -> Outcome:
    if ignored:
        return Outcome(Verdict.WARN, " ".join(ignored))
    return Outcome(Verdict.OK, f"Every variable that begins with {PREFIX} is a setting.")


def check_public_host(settings: Settings) -> Outcome:
    if problem := find_unreachable_host(settings):
        return Outcome(Verdict.WARN, problem)
    return Outcome(Verdict.OK, "Connections name a host that the service's callers can reach.")


def check_data_folder(folder: Path) -> Outcome:
    """Raises StartupError and OSError."""
    existing = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        return Outcome(
            Verdict.FAIL,
            f"{existing} is not writable: set PGVEND_DATA_DIR to a folder that pgvend can write "
            "to.",
        )
    if not folder.exists():
        return Outcome(Verdict.OK, f"The first start creates {folder.absolute()}.")
    refuse_foreign_folder(folder)
    if folder.stat().st_mode & 0o077:
        return Outcome(
            Verdict.WARN,
            f"{folder.absolute()} is open to other users; the next start restricts it.",
        )
    return Outcome(Verdict.OK, f"{folder.absolute()}, closed to other users.")


def _with_errors(check: Callable[[], Outcome]) -> Outcome:
    try:
        return check()
    except StartupError as error:
        return Outcome(Verdict.FAIL, str(error))
    except OSError as error:
        return Outcome(Verdict.FAIL, f"{error.filename} cannot be read ({error.strerror}).")
