"""Workflows of GitHub Actions and GitLab in a local shell, as far as the docs use them."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

import yaml  # type: ignore[import-untyped] # its types are a separate package

from tests.support.command_line import find_program

_EXPRESSION = re.compile(r"\$\{\{ ([\w.]+) \}\}")

_STOPS_AT_ERRORS = ("-e", "-o", "pipefail")

Environment = Mapping[str, str]


async def run_github_job(
    workflow: str,
    job: str,
    *,
    expressions: Mapping[str, str],
    folder: Path,
    environment: Environment,
) -> Environment:
    """Run the commands of a job; `expressions` has the values of `${{ ... }}`.

    Returns the variables that the steps set in $GITHUB_ENV.
    """
    parsed = yaml.safe_load(_EXPRESSION.sub(lambda match: expressions[match[1]], workflow))
    written = folder / "github-env"
    written.touch()
    known = {**environment, **_own_variables(parsed["env"], environment)}
    for step in parsed["jobs"][job]["steps"]:
        await _run(step.get("run", ""), folder, {**known, "GITHUB_ENV": str(written)})
        known |= _read_variables(written)
    return _read_variables(written)


async def run_gitlab_job(
    workflow: str, job: str, *, folder: Path, environment: Environment
) -> Environment:
    """Run the script of a job, and return the variables at its end."""
    parsed = yaml.safe_load(workflow)
    known = {**environment, **_own_variables(parsed["variables"], environment)}
    written = folder / "gitlab-env"
    script: Sequence[str] = [*parsed[job]["script"], f"env > {written}"]
    await _run("\n".join(script), folder, known)
    return _read_variables(written)


def _own_variables(variables: Mapping[str, Any], environment: Environment) -> Environment:
    """Return the variables with those of the runner in them; the runner's have precedence."""
    expanded = {
        name: Template(str(text)).substitute(environment) for name, text in variables.items()
    }
    return {name: environment.get(name, text) for name, text in expanded.items()}


async def _run(script: str, folder: Path, environment: Environment) -> None:
    process = await asyncio.create_subprocess_exec(
        *(find_program("bash"), *_STOPS_AT_ERRORS, "-c", script),
        cwd=folder,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, f"{script}\n{output.decode()}"


def _read_variables(file: Path) -> dict[str, str]:
    lines = file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))
