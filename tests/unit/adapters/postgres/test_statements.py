"""Properties of statements for all names."""

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres import statements
from adapters.postgres.claim import claim_spare
from adapters.postgres.marks import Marks
from domain.ids import RANDOM_BYTES, new_id
from domain.names import PgNames
from domain.provisioning import Tenant

NOW = datetime(2026, 1, 2, tzinfo=UTC)

entropies = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)

QUOTED = re.compile(r"""E'(?:[^'\\]|''|\\\\)*'|'(?:[^']|'')*'|"(?:[^"]|"")*\"""")


@given(st.text(st.characters(exclude_categories=["Cs"])) | entropies.map(lambda e: new_id(NOW, e)))
def test_every_id_has_a_valid_lock_key(database_id: str) -> None:
    assert -(2**63) <= statements.build_lock_key(database_id) < 2**63


@given(st.lists(entropies, min_size=2, max_size=2, unique_by=lambda entropy: entropy[-5:]))
def test_two_tenants_do_not_wait_for_each_other(two: list[bytes]) -> None:
    one, other = (statements.build_lock_key(new_id(NOW, entropy)) for entropy in two)
    assert one != other


@given(database=names, owner=names, mark=names, verifier=names)
def test_names_stay_inside_their_quotes(
    database: str, owner: str, mark: str, verifier: str
) -> None:
    """Outside of the quotes, the statements of all tenants are the same."""
    odd = _build_all(PgNames(database, owner), mark, verifier)
    plain = _build_all(PgNames("d", "o"), "m", "v")
    assert [QUOTED.sub("?", text) for text in odd] == [QUOTED.sub("?", text) for text in plain]


def test_a_database_is_private_before_it_is_open() -> None:
    tenant = Tenant(id="db_1", names=PgNames("x", "user_x"))
    text = statements.open_database(tenant, "mark")
    assert text.index("REVOKE ALL") < text.index("ALLOW_CONNECTIONS true")
    assert "ALLOW_CONNECTIONS false" in statements.create_database(tenant, "ENCODING 'UTF8'")


def _build_all(names: PgNames, mark: str, verifier: str) -> list[str]:
    tenant = Tenant(id="db_1", names=names)
    return [
        statements.create_role(tenant, mark, verifier, 5),
        statements.reset_role(tenant, mark, verifier, 5),
        statements.create_database(tenant, "ENCODING 'UTF8'"),
        statements.open_database(tenant, mark),
        claim_spare(tenant, Marks(mark)),
        statements.set_password(names.owner, verifier),
        statements.rename_role(names.owner, names.database),
        statements.rename_database(names.database, names.owner),
        statements.end_sessions_if_allowed(names.owner),
        statements.disable_login(names.owner),
        statements.turn_into_tombstone(names.owner, f"{names.database} "),
        statements.close_database(names.database),
        statements.drop_database(names.database),
        statements.drop_owned(names.owner),
        statements.drop_role(names.owner),
        statements.create_extension(names.database),
        statements.create_tenant_extension(names.database),
    ]
