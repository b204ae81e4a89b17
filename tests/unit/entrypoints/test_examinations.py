"""What `pgvend doctor` finds in the settings: who gets in, and whether the secret fits."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.registry.remembered import Record, Remembered
from domain.checkup import Check, Mend, Outcome, Verdict
from domain.errors import StartupError
from domain.passwords import name_of
from domain.secret import Secret
from entrypoints.cli.doctor import _script
from entrypoints.exposure import SettingsExamination, browsers, callers, way_in
from entrypoints.secret_examination import SecretExamination
from entrypoints.settings import Settings
from tests.support.checkups import FAIL, OK, WARN, outcomes

KEY = "a-key-of-sixteen-characters-or-more"
OLD, NEW = "the-old-secret-of-the-service-000", "the-new-secret-of-the-service-111"
ANYWHERE = {"host": "0.0.0.0"}

ODD = 'x"\n\\! touch /tmp/own'

Judge = Callable[[Settings], Outcome]

JUDGED: dict[str, tuple[Judge, dict[str, Any], Verdict, str]] = {
    "callers on loopback": (callers, {}, OK, ""),
    "callers from anywhere": (callers, ANYWHERE, FAIL, "PGVEND_API_KEYS"),
    "callers by a proxy": (callers, {"trusted_proxies": "::1"}, FAIL, "PGVEND_TRUSTED_PROXIES"),
    "callers with keys": (callers, ANYWHERE | {"api_keys": KEY}, OK, ""),
    "an admin with a key": (callers, ANYWHERE | {"admin_key": KEY}, OK, ""),
    "answers on loopback": (way_in, {"host": "127.0.0.1"}, OK, ""),
    "answers to anywhere": (way_in, ANYWHERE, WARN, ""),
    "answers by a proxy": (way_in, ANYWHERE | {"trusted_proxies": "10.0.0.7"}, OK, ""),
    "no pages": (browsers, {}, OK, ""),
    "pages of one origin": (browsers, {"cors_allow_origins": "https://app.example"}, OK, ""),
    "pages of any origin": (browsers, {"cors_allow_origins": "*"}, WARN, ""),
}


@pytest.mark.parametrize(("judge", "given", "verdict", "word"), JUDGED.values(), ids=list(JUDGED))
def test_who_gets_in_is_judged_by_the_settings(
    judge: Judge, given: dict[str, Any], verdict: Verdict, word: str
) -> None:
    outcome = judge(Settings(**given))
    assert outcome.verdict is verdict
    assert word in outcome.detail
    assert KEY not in repr(outcome)


async def test_files_that_do_not_do_for_tls_are_told(tmp_path: Path) -> None:
    file = tmp_path / "pem"
    file.write_text("no PEM")
    found = await outcomes(SettingsExamination(Settings(tls_cert=file, tls_key=file)))
    assert found["way in"].verdict is FAIL
    assert str(file) in found["way in"].detail


async def test_databases_that_do_not_exist_are_warned_of() -> None:
    found = await outcomes(SettingsExamination(Settings(provider="memory")))
    assert found["provider"].verdict is WARN
    assert "data folder" not in found


async def test_a_data_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    assert await _data_folder(tmp_path / "deep" / "data") is OK
    assert os.listdir(tmp_path) == []


async def test_a_data_folder_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    os.chmod(tmp_path, 0o700)
    closed = await _data_folder(tmp_path)
    os.chmod(tmp_path, 0o710)  # noqa: S103 - that is what has to be found
    assert (closed, await _data_folder(tmp_path)) == (OK, WARN)
    assert stat.S_IMODE(os.stat(tmp_path).st_mode) == 0o710


@pytest.mark.parametrize("folder", ["", "thesis.tex", "thesis.tex/below"])
async def test_a_file_or_a_foreign_folder_fails(tmp_path: Path, folder: str) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    assert await _data_folder(tmp_path / folder) is FAIL


async def test_before_the_first_start_there_is_no_secret_and_none_is_made(tmp_path: Path) -> None:
    found = await _examined(Remembered(), data_dir=tmp_path / "data")
    assert found["secret"].verdict is OK
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("place", ["the settings", "the data folder"])
async def test_the_secret_of_the_records_fits(tmp_path: Path, place: str) -> None:
    (tmp_path / "secret").write_text(f"{OLD}\n")
    given: Any = {"secret": OLD} if place == "the settings" else {"data_dir": tmp_path}
    found = await _examined(_recorded(OLD), **given)
    assert found["secret"].verdict is found["passwords"].verdict is OK
    assert OLD not in repr(found)


async def test_records_from_before_secrets_had_names_come_from_the_first_one() -> None:
    before = Remembered(revision="0002", live=(Record("db_1", "embedded", ""),))
    kept = Remembered(revision="0003", kept=name_of(Secret(OLD)), live=before.live)
    assert (await _examined(before, secret=OLD))["passwords"].verdict is OK
    assert (await _examined(kept, secret=NEW))["passwords"].verdict is FAIL


FOUND: dict[str, tuple[dict[str, Any], str, Verdict, list[str]]] = {
    "changed": ({"secret": NEW}, "passwords", FAIL, ["1 database", "PGVEND_SECRET_PREVIOUS"]),
    "rotated": ({"secret": NEW, "secret_previous": OLD}, "passwords", OK, ["keep it"]),
    "lost": ({"data_dir": Path("empty")}, "secret", FAIL, ["1 database"]),
}


@pytest.mark.parametrize(("given", "question", "verdict", "words"), FOUND.values(), ids=list(FOUND))
async def test_a_secret_that_does_not_fit_is_told_with_what_depends_on_it(
    given: dict[str, Any], question: str, verdict: Verdict, words: list[str]
) -> None:
    found = (await _examined(_recorded(OLD), **given))[question]
    assert found.verdict is verdict
    assert all(word in found.detail for word in words)


async def test_a_damaged_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")
    with pytest.raises(StartupError, match="damaged"):
        await _examined(Remembered(), data_dir=tmp_path)


async def test_what_was_made_elsewhere_does_not_count() -> None:
    found = await _examined(_recorded(OLD, "postgres"), secret=NEW)
    assert found["passwords"].verdict is OK


@pytest.mark.parametrize(
    "mend", [Mend("SELECT 1;", ODD), Mend(f'REVOKE ALL ON DATABASE "{ODD}" FROM PUBLIC;')]
)
def test_a_name_with_a_line_break_brings_no_command_into_it(mend: Mend) -> None:
    checks = [Check("open databases", Outcome(Verdict.FAIL, "", (mend, Mend("SELECT 2;", "web"))))]

    assert list(_script(checks, by_admin=False)) == [
        "-- open databases",
        "-- left out: a database or role whose name holds control characters",
        '\\connect "web"',
        "SELECT 2;",
    ]


async def _data_folder(folder: Path) -> Verdict:
    found = await outcomes(SettingsExamination(Settings(data_dir=folder)))
    return found["data folder"].verdict


def _recorded(secret: str, target: str = "embedded") -> Remembered:
    name = name_of(Secret(secret))
    return Remembered(revision="0003", kept=name, live=(Record("db_1", target, name),))


async def _examined(records: Remembered, **given: Any) -> Mapping[str, Outcome]:
    async def look() -> Remembered:
        return records

    return await outcomes(SecretExamination(Settings(**given), look))
