"""Count the databases that need each of the service's secrets."""

from dataclasses import dataclass

from domain.passwords import PasswordDeriver
from domain.targets import Target
from ports.driven.installation import Installation


@dataclass(frozen=True, slots=True)
class SecretsInUse:
    """How many databases derive their password from the `current` secret, from a `previous` one, or
    from one that is `missing`. The last ones need that secret back, or a rotation."""

    current: int
    previous: int
    missing: int


@dataclass(frozen=True, kw_only=True)
class CheckSecrets:
    installation: Installation
    passwords: PasswordDeriver
    target: Target

    async def __call__(self) -> SecretsInUse:
        """Count the live databases on the target. Raises Unavailable."""
        counts = await self.installation.count_by_secret(self.target.name)
        known = {name: count for name, count in counts.items() if self.passwords.knows(name)}
        current = sum(count for name, count in known.items() if self._is_current(name))
        return SecretsInUse(
            current=current,
            previous=sum(known.values()) - current,
            missing=sum(counts.values()) - sum(known.values()),
        )

    def _is_current(self, name: str) -> bool:
        return (name or self.passwords.first) in {"", self.passwords.current}
