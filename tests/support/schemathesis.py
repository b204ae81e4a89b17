"""Schemathesis: thousands of calls made up from the service's own document."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).parent / "st"
FOLDER = Path(__file__).parents[1] / "schema"


@dataclass(frozen=True)
class Verdict:
    """`report` is what was printed: each failure with a curl line that repeats it."""

    cases: int
    is_complete: bool
    failures: tuple[str, ...]
    report: str


async def verdict_on(url: str, *, seed: int, examples: int, keys: Mapping[str, str]) -> Verdict:
    """What comes of that many examples per call and phase, all made up from `seed`; `keys` are what
    callers show, by their names. No two of them may see the same."""
    with tempfile.TemporaryDirectory(prefix="pgvend-test-") as name:
        folder = Path(name)
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            f"--config-file={_configured(folder, keys)}",
            "run",
            f"{url}/openapi.json",
            f"--seed={seed}",
            f"--max-examples={examples}",
            "--continue-on-failure",
            "--generation-database=none",
            "--no-color",
            "--report=json",
            "--report-json-path=report.json",
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            printed, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return _verdict(folder / "report.json", printed.decode())


def _configured(folder: Path, keys: Mapping[str, str]) -> Path:
    """The configuration that is the same for all, and who calls."""
    text = f"hooks = {json.dumps(str(FOLDER / 'hooks.py'))}\n"
    text += (FOLDER / "schemathesis.toml").read_text()
    if keys:
        callers = folder / "callers.json"
        callers.write_text(json.dumps({"auth": [_caller(*entry) for entry in keys.items()]}))
        text += f'\n[auth.wfc]\npath = "{callers}"\n'
    if len(keys) > 1:
        text += f"peers = {json.dumps(list(keys))}\n"
    file = folder / "schemathesis.toml"
    file.write_text(text)
    return file


def _caller(name: str, key: str) -> Mapping[str, object]:
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {key}"}]}


def _verdict(told: Path, printed: str) -> Verdict:
    assert told.exists(), printed
    report = json.loads(told.read_text())
    return Verdict(
        cases=report["test_cases"]["generated"],
        is_complete=report["complete"] and not report["operations"]["errored"],
        failures=tuple(failure["title"] for failure in report["failures"]),
        report=printed,
    )
