"""The sockets that the service listens on."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from domain.errors import StartupError
from entrypoints.config.settings import Settings


@dataclass(frozen=True)
class Listeners:
    """The socket for callers, and that for metrics alone, if it is set."""

    service: socket.socket
    metrics: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port for callers."""
        return _find_port(self.service)

    @property
    def metrics_port(self) -> int | None:
        return _find_port(self.metrics) if self.metrics else None


@contextmanager
def open_listeners(settings: Settings) -> Iterator[Listeners]:
    """Bind before anything else is started, so that a port in use is reported at once. Raises
    StartupError."""
    with _listen(settings.host, settings.port, "HOST", "PORT") as listener:
        if settings.metrics_listen is None:
            yield Listeners(listener)
            return
        name = "PGVEND_METRICS_LISTEN"
        with _listen(*settings.metrics_listen, name, name) as metrics_listener:
            yield Listeners(listener, metrics_listener)


def _find_port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def _listen(host: str, port: int, host_setting: str, port_setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartupError(
                f"Port {port} is already in use on {host}: set {port_setting} to a free port, or "
                "stop the program that uses it."
            ) from error
        reason = os.strerror(error.errno or 0)  # the error's own text repeats the address
        raise StartupError(
            f"pgvend cannot listen on {host} port {port} ({reason}): set {host_setting} to an "
            f"address of this machine, and {port_setting} to a free port."
        ) from error
