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


NO_NETWORK = [
    "Could not connect to PyPI's vulnerability feed",
    "requests.exceptions.ConnectionError: Name or service not known",
    "requests.exceptions.ReadTimeout: 15 seconds",
]
UNREADABLE = "requirement oldlib does not contain a hash"


@pytest.mark.parametrize(
    ("dependencies", "complaint", "code", "told"),
    [
        ([SOUND, WEAK], "Found 1", 1, "oldlib 1.0: PYSEC-2026-1, fixed in 1.1"),
        ([SOUND], "", 0, "1 packages audited, 0 vulnerable."),
        ([SOUND, UNKNOWN], "", 0, "NOT AUDITED, because the service does not know them: ourlib."),
        ([SOUND, UNKNOWN], "", 0, "1 packages audited"),
        *((None, complaint, 0, "NOT AUDITED") for complaint in NO_NETWORK),
        (None, UNREADABLE, 1, ""),
    ],
)
def test_what_is_vulnerable_or_unreadable_fails_and_what_is_not_audited_is_told(
    tmp_path: Path, dependencies: list[dict[str, Any]] | None, complaint: str, code: int, told: str
) -> None:
    done = audit(tmp_path, dependencies, complaint)

    assert done.returncode == code
    assert told in done.stdout
    assert ("NOT AUDITED" in done.stdout) == (
        "NOT AUDITED" in told or UNKNOWN in (dependencies or [])
    )
    if dependencies is None:
        assert complaint in done.stderr
