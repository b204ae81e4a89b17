"""Details of single formats."""

import io
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml  # type: ignore[import-untyped] # its types are a separate package
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.formats import FORMATS
from entrypoints.formats.rendering import to_members
from entrypoints.http.api.schemas.connections import ConnectionResponse
from tests.support.connections import ODD_CHARACTERS, connection, texts

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

USUAL = connection(password="Ab1-._~c", user="user_my_db", database="my_db")

PLACE, QUERY = "db.example:6543/my_db", "user=user_my_db&password=Ab1-._~c&sslmode=disable"

PLAIN = {
    "uri": f"postgresql://user_my_db:Ab1-._~c@{PLACE}?sslmode=disable",
    "jdbc": f"jdbc:postgresql://{PLACE}?{QUERY}",
    "psql": "psql 'host=db.example port=6543 dbname=my_db user=user_my_db sslmode=disable'",
    "sqlalchemy": f"postgresql+psycopg://user_my_db:Ab1-._~c@{PLACE}?sslmode=disable",
    "dotnet": "Host=db.example;Port=6543;Database=my_db;Username=user_my_db;"
    "Password=Ab1-._~c;SSL Mode=Disable",
}


def render_format(name: str, **to_members: Any) -> str:
    return FORMATS[name].render(connection(**to_members))


@pytest.mark.parametrize(("name", "text"), PLAIN.items())
def test_plain_values_are_not_escaped(name: str, text: str) -> None:
    assert FORMATS[name].render(USUAL) == text


@pytest.mark.parametrize("pooler_host", [None, "pooler.example"])
def test_json_equals_the_connection_in_the_api(pooler_host: str | None) -> None:
    shown_connection = connection(pooler_host=pooler_host)
    answered = json.loads(ConnectionResponse.from_domain(shown_connection).model_dump_json())
    assert (
        json.loads(FORMATS["json"].render(shown_connection))
        == to_members(shown_connection)
        == answered
    )


def test_jdbc_has_no_plus_sign_for_a_space() -> None:
    """PostgreSQL's driver accepts both; other readers of the URL may not."""
    assert "&password=a%20b%2Bc&" in render_format("jdbc", password="a b+c")


def test_psql_prompts_for_the_password() -> None:
    assert "hunter2" not in render_format("psql", password="hunter2")


@pytest.mark.parametrize("password", ["a b", "#a", "a#b", 'a"b', "a$b", "é😀", "a;b&c"])
def test_env_is_valid_in_dotenv_files_where_they_follow_the_shell(password: str) -> None:
    """Their readers differ in quotes and backslashes within single quotes."""
    read = dotenv_values(stream=io.StringIO(render_format("env", password=password)))
    assert read["PGPASSWORD"] == password


@pytest.mark.parametrize("sslmode", ["disable", "require", "verify-ca", "verify-full"])
def test_prisma_gets_its_own_parameter_to_check_certificates(sslmode: str) -> None:
    """Prisma treats an unknown mode as `prefer`."""
    url = str(
        dotenv_values(stream=io.StringIO(render_format("prisma", sslmode=sslmode)))["DATABASE_URL"]
    )
    strict = {"sslmode": ["require"], "sslaccept": ["strict"]}
    options = strict if sslmode.startswith("verify") else {"sslmode": [sslmode]}
    assert parse_qs(urlsplit(url).query) == {"schema": ["public"], **options}


@given(database=texts | st.text("-_a", min_size=1, max_size=80))
def test_the_name_of_a_secret_is_valid_in_kubernetes(database: str) -> None:
    assert DNS_LABEL.fullmatch(secret_name(database))


@pytest.mark.parametrize("database", ["on", "null", "1", "1e5", "0x1f", "my-db", "2024-01-01"])
def test_a_secret_has_the_name_of_its_database_if_possible(database: str) -> None:
    assert secret_name(database) == database


def test_two_databases_never_overwrite_each_others_secret() -> None:
    alike = ["a-b", "a_b", "a--b", "a-b-", "_a-b", "A-b"]
    assert len({secret_name(database) for database in alike}) == len(alike)


def test_a_manifest_is_plain_ascii() -> None:
    manifest = render_format(
        "k8s-secret", password=ODD_CHARACTERS, user=ODD_CHARACTERS, database=ODD_CHARACTERS
    )
    assert manifest.isascii()
    assert manifest.replace("\n", "").isprintable()


def secret_name(database: str) -> str:
    return str(yaml.safe_load(render_format("k8s-secret", database=database))["metadata"]["name"])
