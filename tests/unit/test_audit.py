"""The audit of the locks: a known vulnerability fails a build, a missing network does not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "audit.py"

SOUND = {"name": "aiohttp", "version": "3.14.5", "vulns": []}
WEAK = {
    "name": "oldlib",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"]}],
}
UNKNOWN = {"name": "ourlib", "skip_reason": "not found"}


def audit(
    folder: Path, dependencies: list[dict[str, Any]] | None = None, complaint: str = ""
) -> subprocess.CompletedProcess[str]:
    """The script, with a pip-audit that finds these, or only complains."""
    program = folder / "pip-audit"
    found = json.dumps({"dependencies": dependencies})
    write = f"open(out, 'w').write({found!r})" if dependencies is not None else "pass"
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "[out] = [a.partition('=')[2] for a in sys.argv if a.startswith('--output=')]\n"
        f"{write}\nsys.exit({complaint!r} or 0)\n"
    )
    program.chmod(0o700)
    return subprocess.run(
        [sys.executable, SCRIPT, program], capture_output=True, text=True, check=False
    )


def test_what_is_known_to_be_vulnerable_fails(tmp_path: Path) -> None:
    done = audit(tmp_path, [SOUND, WEAK], complaint="Found 1 known vulnerability")

    assert done.returncode == 1
    assert "oldlib 1.0: PYSEC-2026-1, mended in 1.1" in done.stdout


def test_what_is_sound_passes(tmp_path: Path) -> None:
    done = audit(tmp_path, [SOUND])

    assert done.returncode == 0
    assert "1 packages audited, 0 vulnerable." in done.stdout
    assert "NOT AUDITED" not in done.stdout


@pytest.mark.parametrize(
    "complaint",
    [
        "Could not connect to PyPI's vulnerability feed",
        "requests.exceptions.ConnectionError: Name or service not known",
        "requests.exceptions.ReadTimeout: 15 seconds",
    ],
)
def test_without_a_network_it_passes_and_says_so(tmp_path: Path, complaint: str) -> None:
    done = audit(tmp_path, complaint=complaint)

    assert done.returncode == 0
    assert "NOT AUDITED" in done.stdout
    assert complaint in done.stderr


def test_what_the_service_does_not_know_is_not_called_sound(tmp_path: Path) -> None:
    done = audit(tmp_path, [SOUND, UNKNOWN])

    assert done.returncode == 0
    assert "NOT AUDITED, for the service does not know them: ourlib." in done.stdout
    assert "1 packages audited" in done.stdout


def test_a_lock_that_cannot_be_read_fails(tmp_path: Path) -> None:
    done = audit(tmp_path, complaint="requirement oldlib does not contain a hash")

    assert done.returncode == 1
    assert "does not contain a hash" in done.stderr
