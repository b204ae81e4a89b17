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
PATIENCE = 600
"""Seconds for the whole check."""

CONNECTION_ERRORS = ("ConnectionError", "Could not connect", "Timeout", "ProxyError", "SSLError")
CONNECTION_ERRORS += ("ServiceError", "HTTPError", "your network may be blocking")
"""Texts of pip-audit about a service that cannot be reached."""


def main(program: str) -> int:
    """Return the exit status: 1 if a package is vulnerable or pip-audit failed."""
    audited = _run_pip_audit(program)
    if isinstance(audited, str):
        return _fail(audited)
    for line in chain.from_iterable(map(_describe, audited)):
        print(line)
    skipped = [dependency["name"] for dependency in audited if "skip_reason" in dependency]
    names = ", ".join(skipped) if len(skipped) < len(audited) else "all of them"
    if skipped:
        print(f"NOT AUDITED, because the service does not know them: {names}.")
    vulnerable = sum(bool(dependency.get("vulns")) for dependency in audited)
    print(f"{len(audited) - len(skipped)} packages audited, {vulnerable} vulnerable.")
    return min(vulnerable, 1)


def _fail(words: str) -> int:
    is_unreached = any(word in words for word in CONNECTION_ERRORS)
    print(words, file=sys.stderr)
    print("NOT AUDITED: the service cannot be reached." if is_unreached else "pip-audit failed.")
    return 0 if is_unreached else 1


def _run_pip_audit(program: str) -> Sequence[dict[str, Any]] | str:
    """Return the packages with their vulnerabilities, or the text of a failure."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "audit.json")
        locks = [f"--requirement={ROOT / 'requirements' / lock}" for lock in LOCKS]
        how = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json"]
        try:
            asked = subprocess.run(
                [program, *locks, *how, f"--output={written}"],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return f"Timeout: {error}"
        if not written.exists():
            return asked.stderr or f"{program} ended with {asked.returncode} and said nothing"
        audited: Sequence[dict[str, Any]] = json.loads(written.read_text())["dependencies"]
        return audited


def _describe(dependency: dict[str, Any]) -> Iterator[str]:
    for found in dependency.get("vulns", ()):
        fixed = ", ".join(found["fix_versions"]) or "nothing yet"
        yield f"{dependency['name']} {dependency['version']}: {found['id']}, fixed in {fixed}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
