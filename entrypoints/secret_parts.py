"""The part of the composition root that is about the service's secrets."""

from structlog.stdlib import BoundLogger

from adapters.registry.opening import Opened
from domain.errors import StartupError, Unavailable
from domain.passwords import PasswordDeriver, name_of
from domain.secret import Secret
from entrypoints.secret_examination import CHANGE
from entrypoints.settings import Settings
from ports.driven.registry import Query
from ports.driving.check_secrets import CheckSecrets

MEND = (
    "Put the secret that they were made under into PGVEND_SECRET_PREVIOUS; if it is lost, rotate "
    "each of them. Until then, their connections cannot be shown."
)


async def installation_of(opened: Opened, settings: Settings, secret: Secret) -> str:
    """What marks our databases: of a registry that knows no name yet, that of the oldest secret
    that is given. Raises StartupError."""
    try:
        await _refuse_weak(opened, settings, secret)
        return await opened.installation.name(name_of(settings.oldest_secret(secret)))
    except Unavailable as error:
        raise StartupError(str(error)) from error


async def _refuse_weak(opened: Opened, settings: Settings, secret: Secret) -> None:
    """Refuse a secret that can be guessed while no password depends on it. Raises StartupError."""
    weakness = settings.weakness_of(secret)
    if weakness and not await opened.registry.search(Query(limit=1)):
        raise StartupError(f"The service's secret can be guessed: {weakness}. {CHANGE}")


async def passwords_of(
    opened: Opened, settings: Settings, secret: Secret, installation: str, log: BoundLogger
) -> PasswordDeriver:
    """What derives the passwords; says where it cannot. Raises StartupError."""
    passwords = PasswordDeriver(secret, settings.secrets_before, installation)
    if weakness := settings.weakness_of(secret):
        log.warning("secret.guessable", detail=f"It can be guessed: {weakness}. {CHANGE}")
    if settings.derives_passwords:
        await _warn(opened, settings, passwords, log)
    return passwords


async def _warn(
    opened: Opened, settings: Settings, passwords: PasswordDeriver, log: BoundLogger
) -> None:
    check = CheckSecrets(
        installation=opened.installation, passwords=passwords, target=settings.target
    )
    try:
        in_use = await check()
    except Unavailable as error:
        raise StartupError(str(error)) from error
    if in_use.missing:
        log.warning("secret.missing", databases=in_use.missing, mend=MEND)
    if settings.secrets_before:
        log.info("secret.previous", databases=in_use.previous)
