"""The server's folder: its lock, port and log."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.embedded.cluster import LOG_LIMIT, PORTS, Cluster
from adapters.embedded.listen_addresses import is_free
from domain.errors import StartupError


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    folder = tmp_path / "embedded"
    folder.mkdir()
    return Cluster(folder)


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    return next(port for port in PORTS if is_free(port))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_locked_until_the_lock_is_closed(cluster: Cluster) -> None:
    with cluster.lock(), pytest.raises(StartupError, match=r"in use .* PGVEND_DATA_DIR"):
        cluster.lock()
    cluster.lock().close()


def test_a_missing_folder_is_created_with_mode_0700(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "data" / "embedded")
    cluster.lock().close()
    assert mode(cluster.folder) == 0o700


def test_a_port_is_chosen_once_unless_the_operator_sets_another(cluster: Cluster) -> None:
    chosen = cluster.choose_port(None)

    assert chosen in PORTS
    assert cluster.choose_port(None) == chosen
    assert Cluster(cluster.folder).choose_port(None) == chosen
    wanted = free_port()
    before = (cluster.folder / "port").stat().st_ino
    assert cluster.choose_port(wanted) == wanted
    assert (cluster.folder / "port").stat().st_ino != before, "a killed writer leaves the old one"
    assert cluster.choose_port(None) == wanted


def test_a_port_in_use_is_refused_and_the_saved_one_stays(cluster: Cluster, busy_port: int) -> None:
    """Another port would silently break all existing credentials."""
    assert not is_free(busy_port)
    with pytest.raises(StartupError, match=rf"Port {busy_port} .* PGVEND_EMBEDDED_PORT"):
        cluster.choose_port(busy_port)

    (cluster.folder / "port").write_text(f"{busy_port}\n")
    with pytest.raises(StartupError, match="in use by another program"):
        cluster.choose_port(None)

    assert (cluster.folder / "port").read_text() == f"{busy_port}\n"


def test_an_address_that_the_machine_lacks_is_refused(cluster: Cluster) -> None:
    with pytest.raises(StartupError, match=r"address 192\.0\.2\.77: set PGVEND_EMBEDDED_LISTEN"):
        cluster.choose_port(free_port(), ["127.0.0.1", "192.0.2.77"])
    assert not (cluster.folder / "port").exists()


@pytest.mark.parametrize("listen", [["*"], ["127.0.0.2", "127.0.0.1"]])
def test_a_port_has_to_be_free_on_every_address(
    cluster: Cluster, busy_port: int, listen: list[str]
) -> None:
    with pytest.raises(StartupError, match=rf"Port {busy_port} .* PGVEND_EMBEDDED_PORT"):
        cluster.choose_port(busy_port, listen)


@pytest.mark.parametrize("text", ["", "nonsense", "0", "65536", "-1", "9" * 5000, "\u0663"])
def test_a_damaged_port_is_reported_and_not_replaced(cluster: Cluster, text: str) -> None:
    kept = cluster.folder / "port"
    kept.write_text(text)
    with pytest.raises(StartupError, match=r"is damaged: set PGVEND_EMBEDDED_PORT"):
        cluster.choose_port(None)
    assert kept.read_text() == text


def test_a_cluster_exists_when_initdb_has_completed(cluster: Cluster) -> None:
    assert not cluster.exists
    cluster.data.mkdir()
    assert not cluster.exists
    (cluster.data / "PG_VERSION").write_text("18\n")
    assert cluster.exists
    assert cluster.major == 18


def test_the_log_has_mode_0600_and_is_moved_when_it_is_too_long(cluster: Cluster) -> None:
    for line in (b"one\n", b"two\n"):
        with cluster.open_log() as log:
            log.write(line)

    assert cluster.log == cluster.folder / "postgres.log"
    assert cluster.log.read_bytes() == b"one\ntwo\n"
    assert mode(cluster.log) == 0o600

    os.truncate(cluster.log, LOG_LIMIT + 1)
    cluster.open_log().close()

    assert cluster.log.stat().st_size == 0
    assert (cluster.folder / "postgres.log.1").stat().st_size == LOG_LIMIT


def test_an_append_never_makes_the_log_longer_than_its_limit(cluster: Cluster) -> None:
    part = b"old\n" * (LOG_LIMIT // 12)
    for _ in range(3):
        cluster.append_log(part)
    cluster.append_log(b"new\n" * 10)

    assert cluster.log.read_bytes() == b"new\n" * 10
    aside = cluster.folder / "postgres.log.1"
    assert aside.read_bytes() == part * 3
    assert mode(aside) == mode(cluster.log) == 0o600


def test_the_tail_of_the_log_is_its_last_lines_with_any_content(cluster: Cluster) -> None:
    with cluster.open_log() as log:
        log.write(b"".join(b"line %d\n" % number for number in range(10)) + b"\xff\n")
    assert cluster.read_log_tail().splitlines() == [
        "line 6",
        "line 7",
        "line 8",
        "line 9",
        "\ufffd",
    ]

    cluster.append_log(b"\x1b]0;of a tenant\x07" + b"x" * 20_000)
    assert cluster.read_log_tail() == "x" * 10_000
    cluster.append_log(b"\n\x1b]0;of a tenant\x07\n")
    assert cluster.read_log_tail().splitlines()[-1] == r"\x1b]0;of a tenant\x07"
