"""Invalid settings: all reported at once, with their fixes and without secrets."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from entrypoints.config.settings import Settings
from tests.unit.entrypoints.conftest import FIXES, NEON_VARIABLES, Environment, names_in

SECRET = "hunter2"
ONE, OTHER = "Zk3vT0pQx9LmN2sW", "9xQwErTyUiOpAsDf"
LONG = "one earlier secret that is long enough"
POSTGRES = {"PGVEND_PROVIDER": "postgres"}
NOT_A_URL = "not a PostgreSQL URL. Set it to postgresql://"
DURATION = "a duration such as 24h"
SECONDS = "the number of seconds, up to 3600"
NETWORKS = "addresses and networks such as 10.0.0.7"
ORIGINS = "origins such as https://app.example"
TOO_SHORT = "key 1 is shorter than 16 characters"
NO_HOST = "not a bare host name or address"
NO_API = "not the URL of an API"
IN_CLEAR = "would be sent unencrypted"

MISTAKES: list[tuple[str, str, list[str]]] = [
    ("PORT", "a port from 1 to 65535", ["http", "65536", "-1"]),
    ("PGVEND_PROVIDER", "one of embedded, postgres, neon, memory", ["oracle"]),
    ("PGVEND_SECRET", "32 or more random characters", ["x" * 31]),
    ("PGVEND_SECRET_PREVIOUS", "one of them has fewer than 32", [SECRET, f"{LONG},{SECRET}"]),
    ("PGVEND_EMBEDDED_LISTEN", "is not an address", ["db.example", "10.0.0.0/8", "10.0.0.1 ::1"]),
    ("PGVEND_EMBEDDED_PORT", "a free port from 1 to 65535", ["0"]),
    ("PGVEND_EMBEDDED_PROGRAMS", "not a folder with the programs initdb and", ["/no/such/bin"]),
    ("PGVEND_EMBEDDED_PROGRAMS", "the bin folder of another PostgreSQL installation", ["/etc"]),
    ("PGVEND_PUBLIC_PORT", "from 1 to 65535", ["70000"]),
    ("PGVEND_CONNECTION_LIMIT", "from 1 to 10000", ["0"]),
    ("PGVEND_NEON_ISOLATION", "one of none, role, project", ["branch"]),
    ("PGVEND_VERIFY_LOGIN", "on or off", ["maybe"]),
    ("PGVEND_DEFAULT_TTL", DURATION, ["forever", "1s"]),
    ("PGVEND_MAX_TTL", DURATION, ["P1Y"]),
    ("PGVEND_GRACE_PERIOD", DURATION, ["0", "-1d"]),
    ("PGVEND_RECONCILE_INTERVAL", SECONDS, ["-1", "3601", "1.5"]),
    ("PGVEND_RECONCILE_INTERVAL", "0 for none", ["30s"]),
    ("PGVEND_SIZE_LIMIT", "such as 500MB or 10GB", ["500", "1.5GB", "1MB", "-1GB", "lots"]),
    ("PGVEND_EXPORT_MAX_SIZE", "such as 500MB or 10GB", ["1MB", "none"]),
    ("PGVEND_EXPORT_TIMEOUT", "a duration such as 10m or 2h", ["10", "1s"]),
    ("PGVEND_METRICS_LISTEN", "such as 127.0.0.1:9187", ["9187", ":9187", "::1:9187", "[::1]"]),
    ("PGVEND_METRICS_LISTEN", "such as 127.0.0.1:9187", ["127.0.0.1:70000", "http://a:9187"]),
    ("PGVEND_LOG_LEVEL", "one of debug, info, warning, error", ["loud"]),
    ("PGVEND_TRUSTED_PROXIES", NETWORKS, ["proxy.example", "10.0.0.7/8", "*"]),
    ("PGVEND_TRUSTED_PROXIES", "comma separated", ["10.0.0.7 10.0.0.8"]),
    ("PGVEND_TLS_KEY", "PGVEND_TLS_CERT is missing: set both, or neither", ["/key.pem"]),
    ("CORS_ALLOW_ORIGINS", ORIGINS, ["app.example", "https://", "ftp://app.example"]),
    ("CORS_ALLOW_ORIGINS", ORIGINS, ["https://app.example/path", "https://app.example?query"]),
    ("CORS_ALLOW_ORIGINS", ORIGINS, ["https://me@app.example", "https://app.example:port"]),
    ("CORS_ALLOW_ORIGINS", ORIGINS, ["https://[::1"]),
    ("CORS_ALLOW_ORIGINS", "or * alone", ["*,https://app.example"]),
    ("PGVEND_CORS_ALLOW_HEADERS", "is not the name of a header", ["*", "x y", "x:", "é"]),
    ("PGVEND_POSTGRES_ADMIN_DSN", NOT_A_URL, [f"host=db.example password={SECRET}"]),
    ("PGVEND_POSTGRES_ADMIN_DSN", NOT_A_URL, [f"mysql://admin:{SECRET}@db.example/x"]),
    ("PGVEND_POSTGRES_ADMIN_DSN", NOT_A_URL, [f"postgresql://admin:{SECRET}@db.example:port/x"]),
    ("PGVEND_POSTGRES_ADMIN_DSN", NOT_A_URL, [f"postgresql://admin:{SECRET}/x@db.example/x"]),
    ("PGVEND_POSTGRES_ADMIN_DSN", NOT_A_URL, [f"postgresql://admin:{SECRET}@[::1/x"]),
    ("PGVEND_POSTGRES_ADMIN_DSN", NOT_A_URL, [f"postgresql://admin:{SECRET}@db.example:0/x"]),
    ("PGVEND_REGISTRY_URL", NOT_A_URL, [SECRET, f"sqlite:///{SECRET}"]),
    ("PGVEND_REGISTRY_URL", NOT_A_URL, [f"mysql://pgvend:{SECRET}@db.example/registry"]),
    ("PGVEND_REGISTRY_URL", NOT_A_URL, [f"postgresql+asyncpg://pgvend:{SECRET}@db.example/x"]),
    ("PGVEND_REGISTRY_URL", NOT_A_URL, [f"postgresql://pgvend:{SECRET}@db.example:port/x"]),
    ("PGVEND_REGISTRY_URL", NOT_A_URL, [f"postgresql://pgvend:{SECRET}@[::1/x"]),
    ("PGVEND_API_KEYS", TOO_SHORT, [SECRET, f"web={SECRET}", f"a-long-name-before={SECRET}"]),
    ("PGVEND_API_KEYS", TOO_SHORT, ["production-frontend="]),
    ("PGVEND_API_KEYS", "key 2 is shorter than 16 characters", [f"{ONE},ci={SECRET}"]),
    ("PGVEND_API_KEYS", "visible ASCII", [f"{SECRET} and a space", f"{SECRET * 2}hünter2"]),
    ("PGVEND_API_KEYS", "visible ASCII", [f"{SECRET * 3}\t!", f"{SECRET * 3}\udcff"]),
    (
        "PGVEND_API_KEYS",
        "the name of key 1 is invalid",
        [f"a name={ONE}", f"pgvend={ONE}", f"={ONE}"],
    ),
    ("PGVEND_API_KEYS", "the name of key 2 is invalid", [f"{ONE},-={OTHER}"]),
    ("PGVEND_API_KEYS", "it holds the same key twice", [f"web={ONE},ci={ONE}"]),
    ("PGVEND_API_KEYS", "it holds no key", [",", "  "]),
    ("PGVEND_ADMIN_KEY", "", [SECRET, f"{SECRET} {SECRET} {SECRET}", f"{SECRET * 2}hünter2"]),
    ("NEON_PROJECT_ID", "not an id", ["Main", "a_b", "a/b", "a b", "x" * 61, "é", "a\n", "../a"]),
    ("NEON_BRANCH_ID", "not an id", ["Main", "a_b", "a/b", "a b", "x" * 61, "é", "a\n", "../a"]),
    (
        "NEON_HOST",
        NO_HOST,
        ["https://ep-x.neon.tech", "ep-x.neon.tech:5432", "user@ep-x.neon.tech"],
    ),
    ("NEON_HOST", NO_HOST, ["ep-x.neon.tech/neondb", "ep-x.neon.tech.", "ep-x..neon.tech"]),
    ("NEON_HOST", NO_HOST, ["-x.neon.tech", "[::1]", "::1]", "127.0.0.1:5432", "ep x", "ep-x\n"]),
    ("NEON_HOST", NO_HOST, ["ep-\u212a", "x" * 64, ".".join(["x" * 60] * 5)]),
    ("NEON_HOST", NO_HOST, [f"postgresql://user:{SECRET}@ep-x.neon.tech/neondb"]),
    ("NEON_API_KEY", "not a key", [f"{SECRET} ", f" {SECRET}", f"{SECRET}\n", f"a {SECRET}"]),
    ("NEON_API_KEY", "not a key", [f"{SECRET}\x7f", f"é{SECRET}"]),
    ("NEON_API_URL", NO_API, ["console.neon.tech/api/v2", "ftp://console.neon.tech/api/v2"]),
    ("NEON_API_URL", NO_API, ["https:///api/v2", "https://", "https://[::1/api/v2"]),
    ("NEON_API_URL", NO_API, [f"https://user:{SECRET}@console.neon.tech/api/v2"]),
    ("NEON_API_URL", NO_API, [f"https://console.neon.tech/api/v2?key={SECRET}"]),
    ("NEON_API_URL", NO_API, [f"https://neon.tech/api/v2#{end}" for end in ("x", "")]),
    ("NEON_API_URL", NO_API, [f"https://neon.tech:{port}/v2" for port in ("port", "0", "99999")]),
    ("NEON_API_URL", NO_API, ["https://neon.tech/a b", "https://neon.tech\\@evil.example"]),
    ("NEON_API_URL", IN_CLEAR, ["http://neon.tech/v2", "http://192.168.1.1/v2", "http://0.0.0.0"]),
    ("NEON_API_URL", IN_CLEAR, ["http://127.0.0.1.evil.example/v2", "http://[::2]:80/v2"]),
]

SHARED = {"PGVEND_REGISTRY_URL": "postgresql://db.example/r"}
ONE_SECRET = "PGVEND_SECRET: missing, and replicas"

TOGETHER: dict[str, tuple[dict[str, str], str, str]] = {
    "a server without its address": (
        POSTGRES,
        "PGVEND_POSTGRES_ADMIN_DSN: missing",
        "Set it to postgresql://admin:password@host:5432/postgres",
    ),
    "an address without a host that tenants use": (
        POSTGRES | {"PGVEND_POSTGRES_ADMIN_DSN": f"postgresql://admin:{SECRET}@/postgres"},
        "PGVEND_PUBLIC_HOST: missing",
        "the host by which callers reach the PostgreSQL server",
    ),
    "a default beyond the longest time": (
        {"PGVEND_DEFAULT_TTL": "8d", "PGVEND_MAX_TTL": "7d"},
        "PGVEND_MAX_TTL: shorter than PGVEND_DEFAULT_TTL",
        "",
    ),
    "a public host for Neon": (
        NEON_VARIABLES | {"PGVEND_PUBLIC_HOST": "db"},
        "PGVEND_PUBLIC_HOST: ",
        "Neon",
    ),
    "a size limit for Neon": (
        NEON_VARIABLES | {"PGVEND_SIZE_LIMIT": "1GB"},
        "PGVEND_SIZE_LIMIT: ",
        "Neon",
    ),
    "an export from Neon without SQL": (
        NEON_VARIABLES | {"PGVEND_NEON_ISOLATION": "project", "PGVEND_EXPORT_DIR": "/srv/exports"},
        "PGVEND_EXPORT_DIR: not for Neon with PGVEND_NEON_ISOLATION=project",
        "remove it",
    ),
    "replicas without a secret": (SHARED, ONE_SECRET, "openssl rand -hex 32"),
    "replicas with an empty secret": (SHARED | {"PGVEND_SECRET": ""}, ONE_SECRET, ""),
    "replicas in memory": (SHARED | {"PGVEND_PROVIDER": "memory"}, ONE_SECRET, ""),
    "an admin's key that others have": (
        {"PGVEND_API_KEYS": f"web={ONE}", "PGVEND_ADMIN_KEY": ONE},
        "PGVEND_ADMIN_KEY: it holds the same key twice",
        "",
    ),
}
"""A key given twice would have two owners; replicas with different secrets would derive different
passwords."""

WRONG = {**POSTGRES, "PGVEND_SECRET": SECRET, "PGVEND_DEFAULT_TTL": "2h", "PGVEND_MAX_TTL": "1h"}
WRONG_FOR_NEON = {
    "NEON_PROJECT_ID": "Main",
    "NEON_HOST": "https://x",
    "NEON_API_KEY": f"{SECRET} ",
    "NEON_API_URL": "nowhere",
    "PGVEND_NEON_ISOLATION": "branch",
}


@pytest.mark.parametrize(
    ("variable", "what", "text"),
    [(name, what, text) for name, what, texts in MISTAKES for text in texts],
)
def test_an_invalid_value_is_reported_with_its_variable_and_fix_and_without_a_secret(
    env: Environment, variable: str, what: str, text: str
) -> None:
    around = NEON_VARIABLES if variable.startswith("NEON") else {}
    if variable == "PGVEND_POSTGRES_ADMIN_DSN":
        around = POSTGRES

    line = env.mistake(**around | {variable: text})

    assert line.startswith(f"{variable}: ")
    assert what in line
    assert FIXES.get(variable, "") in line
    assert line.endswith(".")
    assert not any(secret in line for secret in (SECRET, ONE, OTHER, LONG))


@pytest.mark.parametrize("wrong", [WRONG, WRONG_FOR_NEON], ids=["without Neon", "with Neon"])
def test_all_invalid_settings_are_reported_at_once(env: Environment, wrong: dict[str, str]) -> None:
    Path(".env").write_text("PGVEND_LOG_LEVEL=loud\n")
    lines = env.mistakes(**wrong, PORT="http", PGVEND_PROVIDRE="memory", PGVEND_KEY=SECRET)

    always = {"PGVEND_LOG_LEVEL", "PGVEND_PROVIDRE", "PORT"}
    of_neon = FIXES.keys() | {"PGVEND_NEON_ISOLATION"}
    others = {"PGVEND_MAX_TTL", "PGVEND_POSTGRES_ADMIN_DSN", "PGVEND_SECRET"}
    assert set(names_in(lines)) == always | (others if wrong is WRONG else of_neon)
    assert len(lines) == len(set(lines))
    assert SECRET not in "".join(lines)


@pytest.mark.parametrize(("variables", "start", "cure"), TOGETHER.values(), ids=list(TOGETHER))
def test_conflicting_or_missing_settings_are_reported(
    env: Environment, variables: dict[str, str], start: str, cure: str
) -> None:
    line = env.mistake(**variables)
    assert line.startswith(start)
    assert cure in line
    assert not any(secret in line for secret in (SECRET, ONE))


@pytest.mark.parametrize("secret", [{"PGVEND_SECRET": SECRET}, {"NEON_API_KEY": f"{SECRET} "}])
def test_the_error_of_the_validator_holds_no_secret(secret: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(NEON_VARIABLES | secret | {"PORT": "http"})
    assert SECRET not in str(caught.value)
