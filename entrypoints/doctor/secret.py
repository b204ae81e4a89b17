"""Doctor checks of the service's secret, and of the databases whose passwords come from it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from domain.doctor import DoctorCheck, Outcome, Verdict, format_count
from domain.passwords import PasswordDeriver, derive_secret_name
from domain.secrets import Secret
from entrypoints.config.data_folder import find_secret
from entrypoints.config.secret_checks import REPLACE_ADVICE
from entrypoints.config.settings import Settings
from ports.driven.doctor import DoctorChecks
from ports.driven.installation import Installation
from ports.use_cases.check_secrets import CheckSecrets

RESTORE_ADVICE = (
    "Set the secret under which they were created, as PGVEND_SECRET or within "
    "PGVEND_SECRET_PREVIOUS. If it is lost, start without it and rotate the password of each "
    "database: the data are safe, and until then the databases can be listed and deleted, but "
    "their connections cannot be shown."
)

ReadInstallation = Callable[[], Awaitable[Installation]]


@dataclass(frozen=True)
class SecretChecks(DoctorChecks):
    """`read_installation` returns the contents of the registry, or those of an empty one."""

    settings: Settings
    read_installation: ReadInstallation

    async def run_checks(self) -> AsyncGenerator[DoctorCheck, None]:
        installation = await self.read_installation()
        secret = find_secret(self.settings)
        if secret is None:
            yield DoctorCheck("secret", await self._check_missing(installation))
            return
        yield DoctorCheck("secret", self._check_strength(secret))
        if self.settings.derives_passwords:
            yield DoctorCheck("passwords", await self._check_use(secret, installation))

    def _check_strength(self, secret: Secret) -> Outcome:
        place = "set" if self.settings.secret else f"in {self.settings.data_dir.resolve()}"
        if weakness := self.settings.find_weakness(secret):
            return Outcome(
                Verdict.FAIL,
                f"The secret is {place} and can be guessed: {weakness}. {REPLACE_ADVICE}",
            )
        return Outcome(Verdict.OK, f"The secret is {place}.")

    async def _check_missing(self, installation: Installation) -> Outcome:
        dependent = sum((await installation.count_by_secret(self.settings.target.name)).values())
        if dependent and self.settings.derives_passwords:
            return Outcome(
                Verdict.FAIL,
                "The secret is missing, and the passwords of "
                f"{format_count(dependent, 'database')} come from it. {RESTORE_ADVICE}",
            )
        return Outcome(Verdict.OK, "The first start creates a secret in the data folder.")

    async def _check_use(self, secret: Secret, installation: Installation) -> Outcome:
        name = await installation.name(derive_secret_name(self.settings.oldest_secret(secret)))
        passwords = PasswordDeriver(secret, self.settings.previous_secrets, name)
        target = self.settings.target
        check = CheckSecrets(installation=installation, passwords=passwords, target=target)
        in_use = await check()
        missing, previous = (format_count(n, "database") for n in (in_use.missing, in_use.previous))
        if in_use.missing:
            return Outcome(
                Verdict.FAIL,
                f"The passwords of {missing} come from a secret that is not set: it was lost or "
                f"changed. {RESTORE_ADVICE}",
            )
        if in_use.previous and any(
            map(self.settings.find_weakness, self.settings.previous_secrets)
        ):
            return Outcome(
                Verdict.FAIL,
                f"The passwords of {previous} come from PGVEND_SECRET_PREVIOUS, where a secret can "
                "be guessed: rotate the password of each of them.",
            )
        if in_use.previous:
            return Outcome(
                Verdict.OK,
                f"The passwords of {previous} come from PGVEND_SECRET_PREVIOUS: "
                "keep it until each of them has been rotated.",
            )
        return Outcome(Verdict.OK, "All passwords come from the secret that is set.")
