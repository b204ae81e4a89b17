"""The state of a claim: the role and databases that Neon's API lists under its names."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.neon.api_models import Database, Role
from adapters.neon.claims import Claim
from domain.provisioning import InventoryItem


@dataclass(frozen=True)
class ClaimState:
    """The role and databases that the API lists under the names of one claim; of a new claim none,
    because the claim itself says whether its names were in use."""

    claim: Claim
    role: Role | None = None
    databases: Sequence[Database] = ()

    @property
    def has_role(self) -> bool:
        return self.role is not None and self.claim.covers(self.role.created_at)

    @property
    def has_foreign_objects(self) -> bool:
        """Return whether the role or a database belongs to another client."""
        if self.claim.is_new:  # anything that had its names is older
            return self.claim.is_in_use
        return (self.role is not None and not self.has_role) or any(
            database.owner_name != self.claim.owner for database in self.databases
        )

    @property
    def owned_databases(self) -> Sequence[Database]:
        """The databases of the claimed role; none if the role is not claimed."""
        if not self.has_role:
            return []
        return [each for each in self.databases if each.owner_name == self.claim.owner]

    @property
    def inventory_item(self) -> InventoryItem:
        name = self.owned_databases[0].name if self.owned_databases else None
        return InventoryItem(id=self.claim.tenant_id, database=name, owner=self.claim.owner)


def match_claim(claim: Claim, roles: Sequence[Role], databases: Sequence[Database]) -> ClaimState:
    """Find the objects under the claimed names."""
    return ClaimState(
        claim=claim,
        role=next((role for role in roles if role.name == claim.owner), None),
        databases=[
            database
            for database in databases
            if claim.owner == database.owner_name or claim.database == database.name
        ],
    )
