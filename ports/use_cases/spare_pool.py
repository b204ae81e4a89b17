"""The pool of spares as one process knows it."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.database import Database
from domain.lifecycle import State
from domain.passwords import PasswordDeriver
from domain.spares import (
    DEFAULT,
    WantedSpares,
    derive_shape,
    find_template,
    is_claimable,
)
from domain.targets import Target
from ports.driven.registry import Query, Registry
from ports.use_cases.records import search_all
from ports.use_cases.running_creations import RunningCreations

PAGE = 1000


@dataclass
class SparePool:
    """What the use cases of spares share: the spares that creations may claim, which are candidates
    until the registry accepts the claim, and signals between creations and the refill.

    `counts` are the wanted spares by the name of their template or `default`. `settings_shape`
    stands for the settings that shape spares.
    """

    registry: Registry
    target: Target
    passwords: PasswordDeriver
    running: RunningCreations
    counts: Mapping[str, int] = field(default_factory=dict)
    settings_shape: str = ""
    is_compared: bool = field(default=False, init=False)
    """Whether the spares were compared with the provider once, so that they may be claimed."""
    _claimed_before: frozenset[str] = field(default=frozenset(), init=False)
    _candidates: dict[str, dict[str, Database]] = field(default_factory=dict, init=False)
    _claims: dict[str, int] = field(default_factory=dict, init=False)
    _refreshes: int = field(default=0, init=False)
    _refreshing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _claimed: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @property
    def is_wanted(self) -> bool:
        """Whether the settings ask for any spare."""
        return any(self.counts.values())

    def shape_for(self, source: str) -> str:
        """Return the shape of spares with that source, with the current secret."""
        return derive_shape(self.settings_shape, self.passwords.current, source)

    def may_have(self, draft: Database) -> bool:
        """Return whether a spare may exist that the draft can claim. Extensions are installed only
        in a database that is new: those that need a superuser cannot be installed later."""
        has_pool = any(
            count for name, count in self.counts.items() if (name == DEFAULT) != bool(draft.source)
        )
        return self.is_compared and has_pool and not draft.extensions

    async def list_wanted(self) -> list[WantedSpares]:
        """Return the wanted spares whose source exists. Raises Unavailable."""
        sources = {DEFAULT: ""} | await self._find_templates()
        return [
            WantedSpares(template=name, count=count, source=source, shape=self.shape_for(source))
            for name, count in self.counts.items()
            if (source := sources.get(name)) is not None
        ]

    async def list_spares(self) -> list[Database]:
        """Return the records of all spares on the target. Raises Unavailable."""
        states = frozenset({State.SPARE})
        return await search_all(
            self.registry, Query(states=states, target=self.target.name, limit=PAGE)
        )

    def mark_compared(self, claimed_before: Iterable[str]) -> None:
        """Allow claims, but never of these ids: their databases are no spares any more."""
        self._claimed_before = frozenset(claimed_before)
        self.is_compared = True

    async def refresh(self) -> None:
        """Read the candidates from the registry; concurrent calls share one search."""
        seen = self._refreshes
        async with self._refreshing:
            if self._refreshes == seen:
                spares = await self.list_spares()
                self._refreshes += 1
                self._candidates.clear()
                self.offer(reversed(spares))

    def offer(self, spares: Iterable[Database]) -> None:
        """Add candidates: those among the spares that may be claimed."""
        for spare in spares:
            if is_claimable(spare) and spare.id not in self._claimed_before:
                self._candidates.setdefault(spare.shape, {})[spare.id] = spare

    def take(self, shape: str) -> Database | None:
        """Remove the first candidate of that shape and return it."""
        candidates = self._candidates.get(shape)
        return candidates.pop(next(iter(candidates))) if candidates else None

    def is_scarce(self, wanted: WantedSpares) -> bool:
        """Return whether this process knows of few candidates for these creations: a quarter of the
        wanted number, or less."""
        return 4 * len(self._candidates.get(wanted.shape, {})) <= wanted.count

    def remember(self, claimed: Database) -> None:
        """Remember a claim that this process finishes later: the spare has its password."""
        self._claims[claimed.id] = claimed.version

    def recall(self, database: Database) -> bool:
        """Return whether nothing was done since this claim was remembered, and forget the claim."""
        return self._claims.pop(database.id, None) == database.version

    def report_claim(self) -> None:
        """Wake the refill."""
        self._claimed.set()

    async def wait_for_claim(self) -> None:
        """Wait for a claim since the last return of this method."""
        await self._claimed.wait()
        self._claimed.clear()

    async def _find_templates(self) -> dict[str, str]:
        """Return the ids of the templates that the settings name."""
        names = self.counts.keys() - {DEFAULT}
        if not names:
            return {}
        states = frozenset({State.TEMPLATE})
        query = Query(states=states, target=self.target.name, limit=PAGE)
        templates = await search_all(self.registry, query)
        found = {name: find_template(templates, name) for name in names}
        return {name: template.id for name, template in found.items() if template}
