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
UNKNOWN = {"name": "mylib", "skip_reason": "not found"}


def run_audit(
    folder: Path, dependencies: list[dict[str, Any]] | None = None, error_text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the script with a pip-audit that returns these dependencies, or only an error."""
    program = folder / "pip-audit"
    output = json.dumps({"dependencies": dependencies})
    write = f"open(out, 'w').write({output!r})" if dependencies is not None else "pass"
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "[out] = [a.partition('=')[2] for a in sys.argv if a.startswith('--output=')]\n"
        f"{write}\nsys.exit({error_text!r} or 0)\n"
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
    ("dependencies", "error_text", "code", "output"),
    [
        ([SOUND, WEAK], "Found 1", 1, "oldlib 1.0: PYSEC-2026-1, fixed in 1.1"),
        ([SOUND], "", 0, "1 packages audited, 0 vulnerable."),
        (
            [SOUND, UNKNOWN],
            "",
            0,
            "NOT AUDITED, because the service does not know them: mylib.",
        ),
        ([SOUND, UNKNOWN], "", 0, "1 packages audited"),
        *((None, error_text, 0, "NOT AUDITED") for error_text in NO_NETWORK),
        (None, UNREADABLE, 1, ""),
    ],
)
def test_a_vulnerability_or_an_error_fails_and_packages_without_an_audit_are_reported(
    tmp_path: Path,
    dependencies: list[dict[str, Any]] | None,
    error_text: str,
    code: int,
    output: str,
) -> None:
    completed = run_audit(tmp_path, dependencies, error_text)

    assert completed.returncode == code
    assert output in completed.stdout
    assert ("NOT AUDITED" in completed.stdout) == (
        "NOT AUDITED" in output or UNKNOWN in (dependencies or [])
    )
    if dependencies is None:
        assert error_text in completed.stderr
