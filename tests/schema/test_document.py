"""The service does what its document says: it has no error of its own, and no answer that is not in
there. `make test` asks a little, `make schema` thousands of times."""

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
from tests.support.registries import in_sqlite

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "0"))
"""Of each call, in each phase; 0 for a few of one seed."""

FEW = 1
LEAST = 500
"""Cases that there have to be of each kind: of a document that it cannot read schemathesis makes
none."""

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
    "nobody": (KEYED, {}),
}
"""The keys in the service's settings, and those that are shown. The first two are given all answers
there are; the others come to the same ones by keys or the lack of them, in `make schema`."""

SEEDS = {"the same": 5, "another": random.SystemRandom().getrandbits(32)}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", SEEDS if EXAMPLES else ["the same"])
@pytest.mark.parametrize("caller", CALLERS if EXAMPLES else ["anyone", "two tenants"])
async def test_every_answer_is_one_of_the_document(caller: str, seed: str, tmp_path: Path) -> None:
    settings, keys = CALLERS[caller]
    number = SEEDS[seed]
    _configure(tmp_path, keys)
    async with (
        in_sqlite() as records,
        running_app(records=records, trusted_proxies=LOOPBACK, **settings) as app,
    ):
        printed = await _asked(f"http://127.0.0.1:{app.port}", number, tmp_path)

    assert (tmp_path / "report.json").exists(), printed
    report = json.loads((tmp_path / "report.json").read_text())
    cases = report["test_cases"]["generated"]
    told = f"\n{caller}, seed {number}: {cases} cases"
    print(told, file=sys.stderr)  # noqa: T201 - make schema shows it, also from another process
    assert [failure["title"] for failure in report["failures"]] == [], printed
    assert report["complete"], printed
    assert not report["operations"]["errored"], printed
    assert cases >= LEAST, printed


async def _asked(url: str, seed: int, folder: Path) -> str:
    """What schemathesis prints, with a curl line for each failure that repeats it."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM,
        "--config-file=schemathesis.toml",
        *("run", f"{url}/openapi.json", f"--seed={seed}", f"--max-examples={EXAMPLES or FEW}"),
        *("--continue-on-failure", "--generation-database=none", "--no-color"),
        *("--report=json", "--report-json-path=report.json"),
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
    return printed.decode()


def _configure(folder: Path, keys: Mapping[str, str]) -> None:
    """The configuration for all, and who calls; no two of them may see the same."""
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
