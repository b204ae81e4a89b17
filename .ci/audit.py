"""Check the locked packages for known vulnerabilities with pip-audit.

If its service cannot be reached, report that without a failure: a build must not need a network.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ("run.txt", "dev.txt")
TIMEOUT = 600
"""Seconds for the complete check."""

CONNECTION_ERRORS = ("ConnectionError", "Could not connect", "Timeout", "ProxyError", "SSLError")
CONNECTION_ERRORS += ("ServiceError", "HTTPError", "your network may be blocking")
"""Texts of pip-audit about a service that cannot be reached."""


def main(program: str) -> int:
    """Return the exit status: 1 if a package is vulnerable or pip-audit failed."""
    packages = _run_pip_audit(program)
    if isinstance(packages, str):
        return _report_failure(packages)
    for line in chain.from_iterable(map(_describe, packages)):
        print(line)
    skipped = [dependency["name"] for dependency in packages if "skip_reason" in dependency]
    names = ", ".join(skipped) if len(skipped) < len(packages) else "all of them"
    if skipped:
        print(f"NOT AUDITED, because the service does not know them: {names}.")
    vulnerable = sum(bool(dependency.get("vulns")) for dependency in packages)
    print(f"{len(packages) - len(skipped)} packages audited, {vulnerable} vulnerable.")
    return min(vulnerable, 1)


def _report_failure(text: str) -> int:
    """Print the failure, and return the exit status."""
    is_unreached = any(part in text for part in CONNECTION_ERRORS)
    print(text, file=sys.stderr)
    print("NOT AUDITED: the service cannot be reached." if is_unreached else "pip-audit failed.")
    return 0 if is_unreached else 1


def _run_pip_audit(program: str) -> Sequence[dict[str, Any]] | str:
    """Return the packages with their vulnerabilities, or the text of a failure."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "audit.json")
        locks = [f"--requirement={ROOT / 'requirements' / lock}" for lock in LOCKS]
        options = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json"]
        try:
            completed = subprocess.run(
                [program, *locks, *options, f"--output={file}"],
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return f"Timeout: {error}"
        if not file.exists():
            return (
                completed.stderr
                or f"{program} exited with {completed.returncode}, without a message"
            )
        packages: Sequence[dict[str, Any]] = json.loads(file.read_text())["dependencies"]
        return packages


def _describe(dependency: dict[str, Any]) -> Iterator[str]:
    for vulnerability in dependency.get("vulns", ()):
        versions = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        package = f"{dependency['name']} {dependency['version']}"
        yield f"{package}: {vulnerability['id']}, fixed in {versions}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
