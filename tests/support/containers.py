"""The image of pgvend and containers of it, by podman with a storage of its own."""

import asyncio
import json
import os
import resource
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.requirements import skip_without
from tests.support.service import REPOSITORY

CACHE = REPOSITORY / ".image"
"""The folder of images and containers, whose base costs a minute to create."""

TAG = "localhost/pgvend-tested"

PROGRAMS = ("podman", "runc", "catatonit", "debootstrap", "netavark", "iptables")

FEW_RIGHTS = (
    "--init",
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)
"""What docs/operations/container.md recommends."""

_STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
[storage.options.overlay]
skip_mount_home = "true"
"""
"""Without a mount that would keep `make clean` from removing the folder."""

_CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=1024:{files}", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
init_path = "{init}"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
default_subnet = "10.213.0.0/24"
"""
"""Without systemd, and within the limits of the machine: podman's own defaults raise them. With a
network of its own: bridges of other tools have podman's default addresses."""


@dataclass(frozen=True)
class Ended:
    """The end of a command."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True)
class Podman:
    """Podman, as root."""

    environment: dict[str, str] = field(repr=False)

    async def attempt(self, *arguments: str | Path) -> Ended:
        return await _execute("podman", *map(str, arguments), environment=self.environment)

    async def run(self, *arguments: str | Path) -> str:
        """Run a command that must succeed, and return its output."""
        ended = await self.attempt(*arguments)
        assert ended.status == 0, f"{arguments}\n{ended.errors}"
        return ended.output.strip()

    async def inspect(self, image: str) -> Any:
        return json.loads(await self.run("image", "inspect", image))[0]

    @asynccontextmanager
    async def container(self, image: str, *options: str) -> AsyncIterator["Container"]:
        """Run a container in the background, and remove it and its volume at the end."""
        container = Container(self, await self.run("run", "--detach", *options, image))
        try:
            yield container
        finally:
            await self.run("rm", "--force", "--volumes", "--time=0", container.id)


@dataclass(frozen=True)
class Container:
    podman: Podman
    id: str

    async def execute(self, *command: str) -> str:
        """Run a command in the container, and return its output."""
        return await self.podman.run("exec", self.id, *command)

    async def is_healthy(self) -> bool:
        """Run the image's health check, and return its outcome."""
        return (await self.podman.attempt("healthcheck", "run", self.id)).status == 0

    async def is_running(self) -> bool:
        return await self._inspect("{{.State.Running}}") == "true"

    async def stop(self) -> int:
        """Send the image's stop signal, and return the exit status. After 120 seconds the container
        is killed."""
        await self.podman.run("stop", "--time=120", self.id)
        return int(await self._inspect("{{.State.ExitCode}}"))

    async def start(self) -> None:
        await self.podman.run("start", self.id)

    async def read_log(self) -> str:
        ended = await self.podman.attempt("logs", self.id)
        return ended.output + ended.errors

    async def _inspect(self, template: str) -> str:
        return await self.podman.run("inspect", f"--format={template}", self.id)


def open_podman() -> Podman:
    """Return podman; skip the test if this machine cannot run containers."""
    for program in PROGRAMS:
        if not _find(program):
            skip_without(f"{program}: apt-get install {' '.join(PROGRAMS)}")
    if os.geteuid() != 0:
        skip_without("root, for debootstrap")
    CACHE.mkdir(exist_ok=True)
    storage, configuration = CACHE / "storage.conf", CACHE / "containers.conf"
    storage.write_text(_STORAGE.format(folder=CACHE))
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    init = _find("catatonit")
    configuration.write_text(_CONFIGURATION.format(files=files, init=init, folder=CACHE))
    own = {
        "CONTAINERS_STORAGE_CONF": str(storage),
        "CONTAINERS_CONF": str(configuration),
        "DISABLE_HC_SYSTEMD": "true",  # tests run the health check
    }
    return Podman({**os.environ, **own})


async def build_image(podman: Podman) -> str:
    """Build the image as the documentation says for machines without a registry, and return its
    name."""
    certificates = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    ended = await _execute(
        sys.executable,
        str(REPOSITORY / ".ci/image.py"),
        "--engine=podman",
        "--base=debian",
        f"--tag={TAG}",
        f"--certificates={certificates}",
        environment=podman.environment,
    )
    assert ended.status == 0, ended.output + ended.errors
    return TAG


def _find(program: str) -> str | None:
    folders = (os.environ["PATH"], "/usr/sbin", "/usr/libexec/podman", "/usr/lib/podman")
    return shutil.which(program, path=os.pathsep.join(folders))


async def _execute(*command: str, environment: dict[str, str]) -> Ended:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())
