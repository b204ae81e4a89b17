"""`pgvend bench`."""

import platform
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import median, quantiles
from time import perf_counter
from typing import Annotated, Any

import typer

from entrypoints.cli.client import get_member, send_request
from entrypoints.cli.errors import RequestError, report_errors
from entrypoints.cli.options import AsJson
from entrypoints.cli.printing import print_json, print_table

HEADS = ("request", "callers", "count", "median_ms", "p10_ms", "p90_ms", "max_ms", "per_second")
RATIO = "times_list"
"""The ratio of the median to that of the list, the baseline."""

NICKNAME = "pgvend bench"
MAX_CALLERS = 64
CALLS_PER_TURN = 2
"""The calls of a caller in a turn; the requests take turns, so that other load affects them
alike."""

Count = Annotated[
    int, typer.Option(min=2, help="The databases to create and delete, for each number of callers.")
]
CallersText = Annotated[
    str, typer.Option("--callers", metavar="LIST", help="Numbers of callers at once, such as 1,8.")
]
ShortTtl = Annotated[
    str, typer.Option(help="The time until a database expires, if the run is killed.")
]


@dataclass
class Turns:
    """The times of one kind of request, and of its turns; in seconds."""

    times: list[float] = field(default_factory=list)
    elapsed: float = 0


@dataclass
class Databases:
    """The databases that this run created and has not deleted yet."""

    ttl: str
    ids: deque[str] = field(default_factory=deque)
    answer: Mapping[str, Any] = field(default_factory=dict)

    def list_one(self) -> None:
        send_request("GET", "databases", query=[("page_size", "1")])

    def create(self) -> None:
        self.answer = send_request(
            "POST", "databases", body={"nickname": NICKNAME, "ttl": self.ttl}
        )
        self.ids.append(get_member(self.answer, "id"))

    def delete(self) -> None:
        send_request("DELETE", "databases", self.ids.popleft())


def bench(
    count: Count = 20, callers: CallersText = "1,8", ttl: ShortTtl = "1h", as_json: AsJson = False
) -> None:
    """Measure a running service: create databases, delete them, and print the times.

    The list of one database is the baseline: it shows the part of the network and of this command,
    which opens a connection for each request. Times are those until the response.

    PGVEND_URL is the address of the service, PGVEND_KEY an API key that may delete databases.
    """
    with report_errors():
        levels, databases = _parse_callers(callers), Databases(ttl)
        try:
            rows = [row for level in levels for row in _measure(databases, level, count)]
        finally:
            while databases.ids:
                databases.delete()
        _print_rows(rows, databases, as_json=as_json)


def _parse_callers(text: str) -> list[int]:
    numbers = [int(part) for part in text.split(",") if part.isascii() and part.isdigit()]
    if len(numbers) < len(text.split(",")) or not all(1 <= each <= MAX_CALLERS for each in numbers):
        raise RequestError(f"Write --callers as numbers from 1 to {MAX_CALLERS}, such as 1,8.")
    return numbers


def _measure(databases: Databases, callers: int, count: int) -> Iterator[Mapping[str, Any]]:
    """Yield the row of each request."""
    requests = {
        "list": databases.list_one,
        "create": databases.create,
        "delete": databases.delete,
    }
    turns = {name: Turns() for name in requests}
    with ThreadPoolExecutor(callers) as threads:
        for start in range(0, count, callers * CALLS_PER_TURN):
            calls = min(callers * CALLS_PER_TURN, count - start)
            for name, request in requests.items():
                _take_turn(threads, request, calls, turns[name])
    baseline = median(turns["list"].times)
    for name, taken in turns.items():
        ratio = round(median(taken.times) / baseline, 2)
        yield {"request": name, "callers": callers, **_summarize(taken), RATIO: ratio}


def _take_turn(
    threads: ThreadPoolExecutor, request: Callable[[], None], calls: int, turns: Turns
) -> None:
    """Send the requests, and wait for all of them, even if one fails. Raises RequestError."""

    def call() -> float:
        begin = perf_counter()
        request()
        return perf_counter() - begin

    begin = perf_counter()
    futures = [threads.submit(call) for _ in range(calls)]
    errors = [error for future in futures if (error := future.exception())]
    if errors:
        raise errors[0]
    turns.times += [future.result() for future in futures]
    turns.elapsed += perf_counter() - begin


def _summarize(turns: Turns) -> Mapping[str, Any]:
    milliseconds = [time * 1000 for time in turns.times]
    points = quantiles(milliseconds, n=10, method="inclusive")
    values = (median(milliseconds), points[0], points[-1], max(milliseconds))
    rate = len(turns.times) / turns.elapsed
    return {"count": len(turns.times)} | {
        head: round(value, 2) for head, value in zip(HEADS[3:], (*values, rate), strict=True)
    }


def _print_rows(rows: Sequence[Mapping[str, Any]], databases: Databases, *, as_json: bool) -> None:
    client = {
        "pgvend": version("pgvend"),
        "python": platform.python_version(),
        "machine": platform.platform(),
    }
    if as_json:
        print_json({"client": client, "isolation": databases.answer.get("isolation"), "rows": rows})
    else:
        print_table((*HEADS, RATIO), rows)
        print("Client: " + ", ".join(f"{name} {value}" for name, value in client.items()))
