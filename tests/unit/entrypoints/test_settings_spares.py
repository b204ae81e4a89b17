"""The settings PGVEND_SPARES and PGVEND_NAMES."""

import pytest

from entrypoints.config.spares import BUNDLED_SPARES
from tests.unit.entrypoints.conftest import NEON_VARIABLES, Environment

SPARES, NAMES, ISOLATION = "PGVEND_SPARES", "PGVEND_NAMES", "PGVEND_NEON_ISOLATION"
DSN = "postgresql://admin:hunter2@db.example:5432/postgres"
POSTGRES = {"PGVEND_PROVIDER": "postgres", "PGVEND_POSTGRES_ADMIN_DSN": DSN}
MEMORY = {"PGVEND_PROVIDER": "memory"}

MISTAKES = {
    "4": "'4' is not a name and a number, such as default=4",
    "=4": "'4' is not a name and a number",
    "default=": "'' is not a number of spares from 0 to 1000",
    "default=-1": "'-1' is not a number of spares",
    "default=1001": "'1001' is not a number of spares",
    "default=1.5": "'1.5' is not a number of spares",
    "default=\u0663": "is not a number of spares",
    f"default={'9' * 5000}": "is not a number of spares",
    "web shop=4": "'web shop' is neither default nor the name of a template",
    "shop=1, shop=2": "it holds a name twice",
    "x,default=many": "'x' is not a name and a number, such as default=4; 'many' is not a number",
}

IMPOSSIBLE_ON_NEON = {
    "none": ("default=1", "PGVEND_NEON_ISOLATION=none"),
    "project": ("default=1", "PGVEND_NAMES=opaque"),
    "role": ("default=1,shop=2", "Neon has no templates: remove shop"),
}

RESHAPED = {
    "the admin": {"PGVEND_POSTGRES_ADMIN_DSN": DSN.replace("admin", "other")},
    "the connection limit": {"PGVEND_CONNECTION_LIMIT": "7"},
    "the names": {NAMES: "opaque"},
    "the login check": {"PGVEND_VERIFY_LOGIN": "off"},
    "the provider": MEMORY,
}

SAME_SHAPE = {
    "the admin's password": {"PGVEND_POSTGRES_ADMIN_DSN": DSN.replace("hunter2", "correct")},
    "the number of spares": {SPARES: "default=9"},
    "the public host": {"PGVEND_PUBLIC_HOST": "other.example"},
}


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("default=4,shop=10", {"default": 4, "shop": 10}),
        (" default = 0 ,, Shop.v-2=1000,", {"default": 0, "Shop.v-2": 1000}),
        (" , ", {}),
    ],
)
def test_spares_are_counted_by_template(
    env: Environment, text: str, counts: dict[str, int]
) -> None:
    assert env.load(**{SPARES: text}).spares == counts


def test_only_the_bundled_server_has_spares_by_default(env: Environment) -> None:
    assert env.load().spares == BUNDLED_SPARES == {"default": 4}
    assert env.load(**POSTGRES).spares == {}
    assert env.load(**MEMORY).spares == {}


def test_spares_can_be_switched_off(env: Environment) -> None:
    assert not any(env.load(**{SPARES: "default=0"}).spares.values())


@pytest.mark.parametrize(("text", "part"), MISTAKES.items(), ids=[key[:20] for key in MISTAKES])
def test_an_invalid_count_is_refused_with_its_fix(env: Environment, text: str, part: str) -> None:
    mistake = env.mistake(**{SPARES: text})
    assert mistake.startswith(f"{SPARES}: ")
    assert part in mistake
    assert mistake.endswith("for each template: default=4,shop=10.")


@pytest.mark.parametrize("isolation", IMPOSSIBLE_ON_NEON)
def test_spares_that_neon_cannot_have_are_refused(env: Environment, isolation: str) -> None:
    text, part = IMPOSSIBLE_ON_NEON[isolation]
    mistake = env.mistake(**NEON_VARIABLES, **{ISOLATION: isolation, SPARES: text})
    assert mistake.startswith(f"{SPARES}: ")
    assert part in mistake


@pytest.mark.parametrize("isolation", ["none", "role", "project"])
def test_neon_accepts_that_there_are_no_spares(env: Environment, isolation: str) -> None:
    chosen = {ISOLATION: isolation, SPARES: "default=0,shop=0"}
    assert not any(env.load(**NEON_VARIABLES, **chosen).spares.values())


@pytest.mark.parametrize(("isolation", "names"), [("role", "nickname"), ("project", "opaque")])
def test_neon_has_spares_where_they_can_be_claimed(
    env: Environment, isolation: str, names: str
) -> None:
    chosen = {ISOLATION: isolation, NAMES: names, SPARES: "default=2"}
    assert env.load(**NEON_VARIABLES, **chosen).spares == {"default": 2}


def test_other_invalid_settings_are_the_only_errors(env: Environment) -> None:
    mistake = env.mistake(
        **NEON_VARIABLES, **{ISOLATION: "project", NAMES: "secret", SPARES: "default=2"}
    )
    assert mistake.startswith(f"{NAMES}: ")


@pytest.mark.parametrize(("text", "is_opaque"), [("nickname", False), ("Opaque", True)])
def test_names_come_from_the_nickname_or_the_id(
    env: Environment, text: str, is_opaque: bool
) -> None:
    assert not env.load().has_opaque_names
    assert env.load(**{NAMES: text}).has_opaque_names is is_opaque


@pytest.mark.parametrize("what", RESHAPED)
def test_a_setting_that_shapes_spares_changes_their_shape(env: Environment, what: str) -> None:
    before = env.load(**POSTGRES).spare_shape
    assert env.load(**POSTGRES | RESHAPED[what]).spare_shape != before


@pytest.mark.parametrize("what", SAME_SHAPE)
def test_other_settings_keep_the_shape(env: Environment, what: str) -> None:
    before = env.load(**POSTGRES).spare_shape
    assert env.load(**POSTGRES | SAME_SHAPE[what]).spare_shape == before


def test_another_branch_of_neon_changes_the_shape_but_not_another_key(env: Environment) -> None:
    before = env.load(**NEON_VARIABLES).spare_shape
    assert env.load(NEON_API_KEY="napi_other").spare_shape == before
    assert env.load(NEON_BRANCH_ID="br-other").spare_shape != before


def test_the_shape_holds_no_secret(env: Environment) -> None:
    shape = env.load(**POSTGRES).spare_shape
    assert len(shape) == 16
    assert set(shape) <= set("0123456789abcdef")
