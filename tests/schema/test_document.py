"""The service conforms to its OpenAPI document: no internal errors, and no undocumented answers.
`make test` sends few requests, `make schema` thousands."""

import asyncio
import json
import os
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.apps import running_app
from tests.support.registries import stores_in_sqlite

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "0"))
"""Examples of each operation in each phase; 0 for a few with one seed."""

FEWEST_EXAMPLES = 1
FEWEST_CASES = 500
"""The minimum number of cases: schemathesis generates none from a document that it cannot read."""

PROGRAM = Path(sys.executable).parent / "st"
HERE = Path(__file__).parent
LOOPBACK = "127.0.0.1"

ADMIN = {"admin": "an-admin-key-of-the-tests"}
TENANTS = {"anna": "a-key-of-the-tests-for-anna", "berta": "a-key-of-the-tests-for-berta"}
KEYED = {
    "admin_key": ADMIN["admin"],
    "api_keys": ",".join(f"{name}={key}" for name, key in TENANTS.items()),
}

CALLERS: Mapping[str, tuple[Mapping[str, Any], Mapping[str, str]]] = {
    "anyone": ({}, {}),
    "two tenants": (KEYED, TENANTS),
    "an admin": (KEYED, ADMIN),
    "no key": (KEYED, {}),
}
"""The keys in the settings, and the keys that callers send. The first two cases cover all answers;
the others run only in `make schema`."""

SEEDS = {"the same": 5, "another": random.SystemRandom().getrandbits(32)}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", SEEDS if EXAMPLES else ["the same"])
@pytest.mark.parametrize("caller", CALLERS if EXAMPLES else ["anyone", "two tenants"])
async def test_every_answer_is_documented(caller: str, seed: str, tmp_path: Path) -> None:
    settings, keys = CALLERS[caller]
    number = SEEDS[seed]
    _configure(tmp_path, keys)
    async with (
        stores_in_sqlite() as records,
        running_app(records=records, trusted_proxies=LOOPBACK, **settings) as app,
    ):
        output = await _run_schemathesis(f"http://127.0.0.1:{app.port}", number, tmp_path)

    assert (tmp_path / "report.json").exists(), output
    report = json.loads((tmp_path / "report.json").read_text())
    cases = report["test_cases"]["generated"]
    summary = f"\n{caller}, seed {number}: {cases} cases"
    print(summary, file=sys.stderr)  # noqa: T201 - shown by make schema, also from another process
    assert [failure["title"] for failure in report["failures"]] == [], output
    assert report["complete"], output
    assert not report["operations"]["errored"], output
    assert cases >= FEWEST_CASES, output


async def _run_schemathesis(url: str, seed: int, folder: Path) -> str:
    """Run schemathesis and return its output, with a curl command for each failure."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "--config-file=schemathesis.toml",
        *(
            "run",
            f"{url}/openapi.json",
            f"--seed={seed}",
            f"--max-examples={EXAMPLES or FEWEST_EXAMPLES}",
        ),
        *("--continue-on-failure", "--generation-database=none", "--no-color"),
        *("--report=json", "--report-json-path=report.json"),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode()


def _configure(folder: Path, keys: Mapping[str, str]) -> None:
    """Write the configuration with the callers; no two callers may see the same databases."""
    text = f"hooks = {json.dumps(str(HERE / 'hooks.py'))}\n"
    text += (HERE / "schemathesis.toml").read_text()
    if keys:
        callers = [
            {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {key}"}]}
            for name, key in keys.items()
        ]
        (folder / "callers.json").write_text(json.dumps({"auth": callers}))
        text += f'\n[auth.wfc]\npath = "{folder / "callers.json"}"\n'
    if len(keys) > 1:
        text += f"peers = {json.dumps(list(keys))}\n"
    (folder / "schemathesis.toml").write_text(text)
