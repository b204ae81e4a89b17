"""`python -m bench`: measure scenarios, print tables and write JSON."""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from bench.machine import describe_machine
from bench.results import Report
from bench.run import Size, open_run
from bench.scenarios import SCENARIOS
from bench.service import Unmeasurable
from bench.tables import format_report
from entrypoints.config.logging import configure_logging

RAM = Path("/dev/shm")  # noqa: S108 - the run creates a folder of mode 0700 in it
RESULTS = Path(".bench/results.json")

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SCENARIO]...", help=f"Any of {', '.join(SCENARIOS)}."),
]
SizeOption = Annotated[Size, typer.Option(help="How much is measured.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        resolve_path=True,
        help="The folder for the servers' data; by default the temporary folder of the system.",
    ),
]
Ram = Annotated[bool, typer.Option("--ram", help=f"Put the data into {RAM}: no disk waits.")]
Output = Annotated[
    Path, typer.Option("--json", help="The file to write; results of other scenarios stay in it.")
]
CheckOption = Annotated[
    bool, typer.Option("--check", help="Exit with status 1 if a limit is exceeded.")
]


def main(
    names: Names = None,
    size: SizeOption = Size.NORMAL,
    folder: Folder = None,
    ram: Ram = False,
    output: Output = RESULTS,
    check: CheckOption = False,
) -> None:
    """Measure pgvend and its baselines, in turns on one machine."""
    if unknown := set(names or []) - SCENARIOS.keys():
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: no such scenario.")
    configure_logging("error", terminal=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped
    parent = RAM if ram else folder
    reports = [_measure(name, parent, size, output) for name in names or _usual_names()]
    if check and not all(check.passes for report in reports if report for check in report.checks):
        raise typer.Exit(1)


def _usual_names() -> Sequence[str]:
    return [name for name, scenario in SCENARIOS.items() if not scenario.is_optional]


def _measure(name: str, parent: Path | None, size: Size, output: Path) -> Report | None:
    scenario, begin = SCENARIOS[name], perf_counter()
    with open_run(parent, size) as run:
        machine = describe_machine(run.folder)
        print(f"{name}: {size}, data in {run.folder}", file=sys.stderr)
        try:
            report = asyncio.run(scenario.measure(run))
        except Unmeasurable as reason:
            print(f"{scenario.title}: not measured, {reason}\n")
            return None
    print(f"{format_report(scenario.title, report)}\n", flush=True)
    seconds = round(perf_counter() - begin)
    _store(output, name, {"machine": machine, "size": size, "seconds": seconds}, report)
    return report


def _store(output: Path, name: str, facts: Mapping[str, Any], report: Report) -> None:
    """Write the results of a scenario, and keep those of the others."""
    output.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(output.read_text()) if output.exists() else {}
    known[name] = {**facts, "report": report.to_json()}
    output.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
