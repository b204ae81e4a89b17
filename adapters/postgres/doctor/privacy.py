"""Checks of tenants' access to other databases, and of risks for superusers in tenants'
databases."""

from collections.abc import Iterable, Iterator

from adapters.postgres.doctor.context import CheckContext, CheckFunctions
from adapters.postgres.quoting import quote_identifier
from adapters.postgres.requirements import build_public_access_fixes
from adapters.postgres.sessions import Session, open_session
from domain.doctor import Fix, Outcome, Verdict

TEMPLATE = "template1"

RISKY_EXTENSIONS = ("dblink", "postgres_fdw", "file_fdw", "adminpack")
"""Extensions that give SQL access to other servers or to the server's files."""

_MAY_CONNECT = f"SELECT has_database_privilege('{TEMPLATE}', 'CONNECT')"

_IS_OPEN = """
SELECT EXISTS (
    SELECT FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS entry
    WHERE nspname = 'public' AND entry.grantee = 0 AND entry.privilege_type = 'CREATE'
)
"""

_INSTALLED_RISKY_EXTENSIONS = """
SELECT extname AS name FROM pg_extension AS e WHERE extname = ANY($1::text[]) OR EXISTS (
    SELECT FROM pg_depend AS d JOIN pg_language AS l ON l.oid = d.objid
    WHERE d.classid = 'pg_language'::regclass AND d.refclassid = 'pg_extension'::regclass
      AND d.refobjid = e.oid AND NOT l.lanpltrusted
) ORDER BY extname
"""

_SUPERUSERS_AT_RISK = """
SELECT rolname AS name, rolname <> current_user AS is_others FROM pg_roles
WHERE rolsuper AND rolcanlogin AND NOT EXISTS (
    SELECT FROM unnest(rolconfig) AS setting WHERE starts_with(setting, 'search_path=')
) ORDER BY rolname
"""


async def check_open_databases(session: Session, context: CheckContext) -> Outcome:
    fixes = await build_public_access_fixes(session, only_own=not context.has_superuser)
    if fixes:
        return Outcome(
            Verdict.FAIL,
            "Tenants can log in to databases that are not theirs: PostgreSQL admits all roles by "
            "default. After the fix, roles that use these databases need GRANT CONNECT.",
            tuple(fixes),
        )
    if not context.has_superuser and await build_public_access_fixes(session, only_own=False):
        return Outcome(
            Verdict.WARN,
            "Tenants can log in to the hosting provider's databases, which only it can close.",
        )
    return Outcome(Verdict.OK, "Tenants cannot log in to databases that are not theirs.")


async def check_template(session: Session, context: CheckContext) -> Outcome:
    """Check template1, from which others create databases without naming a template. pgvend names
    template0."""
    if not await session.fetchval(_MAY_CONNECT):
        return Outcome(
            Verdict.UNKNOWN,
            f"The admin may not connect to {TEMPLATE}. Tenants' databases are not created from it.",
        )
    async with open_session({**context.server.admin, "database": TEMPLATE}) as inside:
        is_open = await inside.fetchval(_IS_OPEN)
        rows = await inside.fetch(_INSTALLED_RISKY_EXTENSIONS, RISKY_EXTENSIONS)
    return _assess_template(is_open, [row["name"] for row in rows])


def _assess_template(is_open: bool, extensions: list[str]) -> Outcome:
    risks = ["a schema that all roles may write to"] if is_open else []
    risks += [f"the extension {name}" for name in extensions]
    if not risks:
        return Outcome(Verdict.OK, f"{TEMPLATE} contains no risky extension or schema.")
    return Outcome(
        Verdict.WARN,
        f"Databases that others create from {TEMPLATE} contain {' and '.join(risks)}; "
        "tenants' databases are not created from it.",
        tuple(_build_template_fixes(is_open, extensions)),
    )


def _build_template_fixes(is_open: bool, extensions: Iterable[str]) -> Iterator[Fix]:
    if is_open:
        revocation = "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
        yield Fix(revocation, TEMPLATE, affects_others=True)
    for name in extensions:
        yield Fix(f"DROP EXTENSION {quote_identifier(name)};", TEMPLATE, affects_others=True)


async def check_superusers(session: Session, _: CheckContext) -> Outcome:
    """Check superusers' search_path. A function in a tenant's `public` schema runs with the rights
    of its caller."""
    rows = await session.fetch(_SUPERUSERS_AT_RISK)
    if not rows:
        return Outcome(Verdict.OK, "Superusers search for functions in pg_catalog first.")
    names = ", ".join(row["name"] for row in rows)
    return Outcome(
        Verdict.WARN,
        f"A superuser ({names}) that logs in to a tenant's database may unintentionally run the "
        "tenant's functions. After the fix, qualify names in all other schemas.",
        tuple(
            Fix(
                f"ALTER ROLE {quote_identifier(row['name'])} SET search_path = pg_catalog;",
                affects_others=row["is_others"],
            )
            for row in rows
        ),
    )


CHECKS: CheckFunctions = {
    "open databases": check_open_databases,
    "template1": check_template,
}

SUPERUSER_CHECKS: CheckFunctions = {"superusers": check_superusers}
