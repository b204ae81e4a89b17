"""Is the secret there that the passwords of the databases come from?"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from domain.checkup import Check, Outcome, Verdict, counted
from domain.passwords import PasswordDeriver, name_of
from domain.secret import Secret
from entrypoints.data_folder import found_secret
from entrypoints.settings import Settings
from ports.driven.examination import Examination
from ports.driven.installation import Installation
from ports.driving.check_secrets import CheckSecrets

MEND = (
    "Set the secret that they were made under, as PGVEND_SECRET or within PGVEND_SECRET_PREVIOUS. "
    "If it is lost, start without it and rotate each of them: their data are safe, and so far "
    "they can be listed and deleted, while their connections cannot be shown."
)

CHANGE = (
    "Set PGVEND_SECRET to 32 or more random characters, such as `openssl rand -hex 32` prints. "
    "Where there are databases already, put this one into PGVEND_SECRET_PREVIOUS, and rotate each "
    "of them."
)

Look = Callable[[], Awaitable[Installation]]


@dataclass(frozen=True)
class SecretExamination(Examination):
    """`look` tells what the records say, or what empty ones would."""

    settings: Settings
    look: Look

    async def examine(self) -> AsyncGenerator[Check, None]:
        records = await self.look()
        secret = found_secret(self.settings)
        if secret is None:
            yield Check("secret", await self._without(records))
            return
        yield Check("secret", self._judged(secret))
        if self.settings.derives_passwords:
            yield Check("passwords", await self._in_use(secret, records))

    def _judged(self, secret: Secret) -> Outcome:
        place = "set" if self.settings.secret else f"in {self.settings.data_dir.resolve()}"
        if weakness := self.settings.weakness_of(secret):
            return Outcome(Verdict.FAIL, f"It is {place}, and can be guessed: {weakness}. {CHANGE}")
        return Outcome(Verdict.OK, f"It is {place}.")

    async def _without(self, records: Installation) -> Outcome:
        waiting = sum((await records.count_by_secret(self.settings.target.name)).values())
        if waiting and self.settings.derives_passwords:
            return Outcome(
                Verdict.FAIL,
                f"It is gone, and with it the passwords of {counted(waiting, 'database')}. {MEND}",
            )
        return Outcome(Verdict.OK, "The first start makes one, in the data folder.")

    async def _in_use(self, secret: Secret, records: Installation) -> Outcome:
        installation = await records.name(name_of(self.settings.oldest_secret(secret)))
        passwords = PasswordDeriver(secret, self.settings.secrets_before, installation)
        target = self.settings.target
        check = CheckSecrets(installation=records, passwords=passwords, target=target)
        in_use = await check()
        missing, previous = (counted(n, "database") for n in (in_use.missing, in_use.previous))
        if in_use.missing:
            return Outcome(
                Verdict.FAIL,
                f"Those of {missing} come from a secret that is not set: "
                f"it was lost or changed. {MEND}",
            )
        if in_use.previous and any(map(self.settings.weakness_of, self.settings.secrets_before)):
            return Outcome(
                Verdict.FAIL,
                f"Those of {previous} come from PGVEND_SECRET_PREVIOUS, and a secret there can be "
                "guessed: rotate each of them.",
            )
        if in_use.previous:
            return Outcome(
                Verdict.OK,
                f"Those of {previous} come from PGVEND_SECRET_PREVIOUS: "
                "keep it until each of them has been rotated.",
            )
        return Outcome(Verdict.OK, "All come from the secret that is set.")
