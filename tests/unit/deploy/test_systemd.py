"""The systemd unit is valid, closed to what pgvend does not need, and agrees with pgvend."""

import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from entrypoints.config.settings import Settings
from entrypoints.http.app import DRAIN_TIMEOUT
from tests.support.requirements import skip_without
from tests.support.service import REPOSITORY

UNIT = REPOSITORY / "deploy/pgvend.service"

HIGHEST_EXPOSURE = 15
"""Of 100, by `systemd-analyze security`; a unit without restrictions has 96."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A copy of the unit whose program exists on every machine."""
    text = UNIT.read_text().replace("/opt/pgvend/.venv/bin/pgvend", "/bin/true")
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    return copy


def analyze(command: str, unit: Path, *options: str) -> tuple[int, str]:
    program = shutil.which("systemd-analyze")
    if not program:
        skip_without("systemd-analyze: apt-get install systemd")
    done = subprocess.run(
        [program, command, "--no-pager", *options, str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def read_service() -> dict[str, str]:
    """Return the settings of the service; of those that occur twice, the last one."""
    parser = ConfigParser(interpolation=None, delimiters="=", strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keep upper case
    parser.read(UNIT)
    return dict(parser["Service"])


def test_systemd_accepts_the_unit(unit: Path) -> None:
    assert analyze("verify", unit) == (0, "")


def test_systemd_reports_a_faulty_unit(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectSystem", "ProtectSystems"))
    assert "ProtectSystems" in analyze("verify", unit)[1]


def test_the_unit_is_closed_to_what_pgvend_does_not_need(unit: Path) -> None:
    offline = ("--offline=true", f"--threshold={HIGHEST_EXPOSURE}")
    status, report = analyze("security", unit, *offline)
    assert status == 0, report


def test_the_bundled_server_can_list_the_addresses_of_its_machine() -> None:
    """Without AF_NETLINK, PostgreSQL refuses every login by `samehost` in pg_hba.conf."""
    assert "AF_NETLINK" in read_service()["RestrictAddressFamilies"].split()


def test_the_data_folder_is_the_one_that_systemd_creates() -> None:
    service = read_service()
    name, _, value = service["Environment"].partition("=")
    assert name == Settings.model_fields["data_dir"].validation_alias
    assert value == service["WorkingDirectory"] == f"%S/{service['StateDirectory']}"


def test_sigterm_goes_to_pgvend_alone_which_has_time_to_finish() -> None:
    service = read_service()
    assert service["KillMode"] == "mixed"
    assert int(service["TimeoutStopSec"]) > 2 * DRAIN_TIMEOUT
