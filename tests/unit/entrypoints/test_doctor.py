"""Doctor checks of the settings and of the secret."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.registry.snapshot import LiveRecord, RegistrySnapshot
from domain.doctor import DoctorCheck, Fix, Outcome, Verdict
from domain.errors import StartupError
from domain.passwords import derive_secret_name
from domain.secrets import Secret
from entrypoints.cli.doctor import FOR_OTHERS, _to_json, _write_script
from entrypoints.config.settings import Settings
from entrypoints.doctor.secret import SecretChecks
from entrypoints.doctor.settings import (
    SettingsChecks,
    check_browsers,
    check_callers,
    check_network,
)
from tests.support.doctor import FAIL, OK, WARN, collect_outcomes

KEY = "a-key-of-sixteen-characters-or-more"
OLD, NEW = "the-old-secret-of-the-service-000", "the-new-secret-of-the-service-111"
ANYWHERE = {"host": "0.0.0.0"}
REPLICAS = {"registry_url": "postgresql://admin@db.example/postgres", "secret": NEW}

ODD = 'x"\n\\! touch /tmp/own'

Check = Callable[[Settings], Outcome]

SETTINGS_CHECKS: dict[str, tuple[Check, dict[str, Any], Verdict, str]] = {
    "callers on loopback": (check_callers, {}, OK, ""),
    "callers from anywhere": (check_callers, ANYWHERE, OK, "admin-key, which the first start"),
    "callers of replicas": (check_callers, ANYWHERE | REPLICAS, FAIL, "PGVEND_API_KEYS"),
    "callers by a proxy": (
        check_callers,
        {"trusted_proxies": "::1"} | REPLICAS,
        FAIL,
        "PGVEND_TRUSTED_PROXIES",
    ),
    "callers with keys": (check_callers, ANYWHERE | {"api_keys": KEY}, OK, ""),
    "an admin with a key": (check_callers, ANYWHERE | {"admin_key": KEY}, OK, ""),
    "loopback": (check_network, {"host": "127.0.0.1"}, OK, ""),
    "all addresses": (check_network, ANYWHERE, WARN, ""),
    "behind a proxy": (check_network, ANYWHERE | {"trusted_proxies": "10.0.0.7"}, OK, ""),
    "no pages": (check_browsers, {}, OK, ""),
    "pages of one origin": (check_browsers, {"cors_allow_origins": "https://app.example"}, OK, ""),
    "pages of any origin": (check_browsers, {"cors_allow_origins": "*"}, WARN, ""),
}


@pytest.mark.parametrize(
    ("check", "given", "verdict", "word"), SETTINGS_CHECKS.values(), ids=list(SETTINGS_CHECKS)
)
def test_settings_are_checked(
    check: Check, given: dict[str, Any], verdict: Verdict, word: str
) -> None:
    outcome = check(Settings(**given))
    assert outcome.verdict is verdict
    assert word in outcome.detail
    assert KEY not in repr(outcome)


async def test_invalid_tls_files_are_reported(tmp_path: Path) -> None:
    file = tmp_path / "pem"
    file.write_text("no PEM")
    outcomes = await collect_outcomes(SettingsChecks(Settings(tls_cert=file, tls_key=file)))
    assert outcomes["network"].verdict is FAIL
    assert str(file) in outcomes["network"].detail


async def test_the_memory_provider_is_a_warning() -> None:
    outcomes = await collect_outcomes(SettingsChecks(Settings(provider="memory")))
    assert outcomes["provider"].verdict is WARN
    assert "data folder" not in outcomes
    outcomes = await collect_outcomes(SettingsChecks(Settings(provider="memory", **ANYWHERE)))
    assert "data folder" in outcomes, "it needs one for the admin key"


async def test_a_missing_data_folder_is_not_created(tmp_path: Path) -> None:
    assert await _data_folder(tmp_path / "deep" / "data") is OK
    assert os.listdir(tmp_path) == []


async def test_a_data_folder_open_to_other_users_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    os.chmod(tmp_path, 0o700)
    closed = await _data_folder(tmp_path)
    os.chmod(tmp_path, 0o710)  # noqa: S103 - the check has to find it
    assert (closed, await _data_folder(tmp_path)) == (OK, WARN)
    assert stat.S_IMODE(os.stat(tmp_path).st_mode) == 0o710


@pytest.mark.parametrize("folder", ["", "thesis.tex", "thesis.tex/below"])
async def test_a_file_or_a_foreign_folder_fails(tmp_path: Path, folder: str) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    assert await _data_folder(tmp_path / folder) is FAIL


async def test_a_missing_secret_is_not_created(tmp_path: Path) -> None:
    outcomes = await _run_checks(RegistrySnapshot(), data_dir=tmp_path / "data")
    assert outcomes["secret"].verdict is OK
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("place", ["the settings", "the data folder"])
async def test_the_secret_of_the_records_passes(tmp_path: Path, place: str) -> None:
    (tmp_path / "secret").write_text(f"{OLD}\n")
    given: Any = {"secret": OLD} if place == "the settings" else {"data_dir": tmp_path}
    outcomes = await _run_checks(_records_of_databases(OLD), **given)
    assert outcomes["secret"].verdict is outcomes["passwords"].verdict is OK
    assert OLD not in repr(outcomes)


async def test_records_older_than_secret_names_use_the_first_secret() -> None:
    before = RegistrySnapshot(revision="0002", live=(LiveRecord("db_1", "embedded", ""),))
    installation_name = RegistrySnapshot(
        revision="0003", installation_name=derive_secret_name(Secret(OLD)), live=before.live
    )
    assert (await _run_checks(before, secret=OLD))["passwords"].verdict is OK
    assert (await _run_checks(installation_name, secret=NEW))["passwords"].verdict is FAIL


WRONG_SECRETS: dict[str, tuple[dict[str, Any], str, Verdict, list[str]]] = {
    "changed": ({"secret": NEW}, "passwords", FAIL, ["1 database", "PGVEND_SECRET_PREVIOUS"]),
    "rotated": ({"secret": NEW, "secret_previous": OLD}, "passwords", OK, ["keep it"]),
    "lost": ({"data_dir": Path("empty")}, "secret", FAIL, ["1 database"]),
}


@pytest.mark.parametrize(
    ("given", "check_name", "verdict", "words"), WRONG_SECRETS.values(), ids=list(WRONG_SECRETS)
)
async def test_a_wrong_secret_is_reported_with_the_number_of_its_databases(
    given: dict[str, Any], check_name: str, verdict: Verdict, words: list[str]
) -> None:
    outcome = (await _run_checks(_records_of_databases(OLD), **given))[check_name]
    assert outcome.verdict is verdict
    assert all(word in outcome.detail for word in words)


async def test_a_damaged_secret_is_reported(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")
    with pytest.raises(StartupError, match="damaged"):
        await _run_checks(RegistrySnapshot(), data_dir=tmp_path)


async def test_databases_of_other_targets_do_not_count() -> None:
    outcomes = await _run_checks(_records_of_databases(OLD, "postgres"), secret=NEW)
    assert outcomes["passwords"].verdict is OK


@pytest.mark.parametrize(
    "fix", [Fix("SELECT 1;", ODD), Fix(f'REVOKE ALL ON DATABASE "{ODD}" FROM PUBLIC;')]
)
def test_a_name_with_a_line_break_adds_no_command_to_the_script(fix: Fix) -> None:
    checks = [
        DoctorCheck("open databases", Outcome(Verdict.FAIL, "", (fix, Fix("SELECT 2;", "web"))))
    ]

    assert list(_write_script(checks, by_admin=False)) == [
        "-- open databases",
        "-- left out: a database or role whose name holds control characters",
        '\\connect "web"',
        "SELECT 2;",
    ]


def test_sql_that_affects_others_is_printed_as_comments() -> None:
    fixes = (
        Fix("DROP EXTENSION dblink;", "team", affects_others=True),
        Fix("ALTER ROLE admin CREATEDB;"),
        Fix("GRANT SELECT ON x TO admin;", "postgres"),
    )
    checks = [DoctorCheck("mixed", Outcome(Verdict.WARN, "", fixes))]

    assert list(_write_script(checks, by_admin=False)) == [
        "-- mixed",
        "ALTER ROLE admin CREATEDB;",
        '\\connect "postgres"',
        "GRANT SELECT ON x TO admin;",
        f"-- {FOR_OTHERS}",
        '-- \\connect "team"',
        "-- DROP EXTENSION dblink;",
    ]
    assert [fix["statement"] for fix in _to_json(checks)["checks"][0]["fixes"]] == [
        "-- DROP EXTENSION dblink;",
        "ALTER ROLE admin CREATEDB;",
        "GRANT SELECT ON x TO admin;",
    ]


async def _data_folder(folder: Path) -> Verdict:
    outcomes = await collect_outcomes(SettingsChecks(Settings(data_dir=folder)))
    return outcomes["data folder"].verdict


def _records_of_databases(secret: str, target: str = "embedded") -> RegistrySnapshot:
    name = derive_secret_name(Secret(secret))
    return RegistrySnapshot(
        revision="0003", installation_name=name, live=(LiveRecord("db_1", target, name),)
    )


async def _run_checks(records: RegistrySnapshot, **given: Any) -> Mapping[str, Outcome]:
    async def take_snapshot() -> RegistrySnapshot:
        return records

    return await collect_outcomes(SecretChecks(Settings(**given), take_snapshot))
