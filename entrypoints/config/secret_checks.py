"""Checks of the service's secret at start-up."""

from collections.abc import Iterator
from contextlib import contextmanager

from structlog.stdlib import BoundLogger

from domain.errors import StartupError, Unavailable
from domain.passwords import PasswordDeriver
from domain.secrets import Secret
from entrypoints.config.settings import Settings
from ports.driven.installation import Installation
from ports.driven.registry import Query, Registry
from ports.driven.webhook_store import WebhookStore
from ports.use_cases.check_secrets import CheckSecrets

REPLACE_ADVICE = (
    "Set PGVEND_SECRET to 32 or more random characters, such as `openssl rand -hex 32` prints. "
    "If databases exist already, move the current secret to PGVEND_SECRET_PREVIOUS and rotate "
    "the password of each database."
)

RESTORE_ADVICE = (
    "Add the secret under which they were created to PGVEND_SECRET_PREVIOUS. If it is lost, rotate "
    "the password of each of them. Until then, their connections cannot be shown."
)


WEBHOOK_ADVICE = (
    "Their messages cannot be signed. Add the secret under which they were created to "
    "PGVEND_SECRET_PREVIOUS, or give each of them another one with `pgvend webhook rotate`."
)


async def refuse_weak_secret(registry: Registry, settings: Settings, secret: Secret) -> None:
    """Refuse a secret that can be guessed while no password depends on it. Raises StartupError."""
    with _translate_errors():
        weakness = settings.find_weakness(secret)
        if weakness and not await registry.search(Query(limit=1)):
            raise StartupError(f"The service's secret can be guessed: {weakness}. {REPLACE_ADVICE}")


async def report_secret(
    installation: Installation,
    settings: Settings,
    passwords: PasswordDeriver,
    log: BoundLogger,
    *,
    secret: Secret,
) -> None:
    """Log a weak secret, databases whose secret is not set, and the use of previous secrets.
    Raises StartupError."""
    if weakness := settings.find_weakness(secret):
        log.warning("secret.guessable", detail=f"It can be guessed: {weakness}. {REPLACE_ADVICE}")
    if not settings.derives_passwords:
        return
    check = CheckSecrets(installation=installation, passwords=passwords, target=settings.target)
    with _translate_errors():
        in_use = await check()
    if in_use.missing:
        log.warning("secret.missing", databases=in_use.missing, fix=RESTORE_ADVICE)
    if settings.previous_secrets:
        log.info("secret.previous", databases=in_use.previous)


async def report_webhook_secrets(
    store: WebhookStore, passwords: PasswordDeriver, log: BoundLogger
) -> None:
    """Log webhooks whose secret comes from one that is not set, and from a previous one. Raises
    StartupError."""
    with _translate_errors():
        names = [webhook.secret for webhook in await store.list_all()]
    missing = [name for name in names if not passwords.knows(name)]
    previous = [name for name in names if name not in {*missing, passwords.current}]
    if missing:
        log.warning("secret.missing", webhooks=len(missing), fix=WEBHOOK_ADVICE)
    if previous:
        log.info("secret.previous", webhooks=len(previous))


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except Unavailable as error:
        raise StartupError(str(error)) from error
