"""The manifests of `deploy/kubernetes` give a container of the image what it needs."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.image.test_image import SECRET, service_at, wait_until_healthy
from tests.support.containers import Podman
from tests.support.keyed_clients import ADMIN_KEY, bearer
from tests.support.registries import temporary_database
from tests.support.servers import OperatorsServer, find_free_port
from tests.support.service_client import create_database, query_owner
from tests.unit.deploy.manifests import container, find, pod

pytestmark = pytest.mark.timeout(1200)  # the first test builds the image


async def test_the_settings_rights_and_files_of_a_pod_suffice(
    podman: Podman, image: str, server_15: OperatorsServer, tmp_path: Path
) -> None:
    port = find_free_port()
    addresses = {
        "PORT": port,
        "PGVEND_METRICS_LISTEN": f"127.0.0.1:{find_free_port()}",
        "PGVEND_PUBLIC_HOST": "127.0.0.1",
        "PGVEND_PUBLIC_PORT": server_15.port,
    }
    settings = {**find("ConfigMap")["data"], **addresses}
    async with temporary_database(server_15) as registry:
        secrets = {
            "admin-dsn": server_15.dsn(),
            "registry-url": registry,
            "service-secret": SECRET,
            "admin-key": ADMIN_KEY,
        }
        options = (
            "--network=host",
            *(f"--env={name}={value}" for name, value in settings.items()),
            *_rights(),
            *_volumes(tmp_path / "secrets", secrets),
        )
        async with podman.container(image, *options) as running:
            await wait_until_healthy(running)
            database = await create_database(service_at(port), **bearer(ADMIN_KEY))

            assert await query_owner(database) == database["owner"]
            assert await running.stop() == 0


def _rights() -> Iterator[str]:
    """Yield podman's options for the rights of the pod's process."""
    process, limits = pod()["securityContext"], container()["securityContext"]
    yield f"--user={process['runAsUser']}:{process['runAsGroup']}"
    yield f"--read-only={str(limits['readOnlyRootFilesystem']).lower()}"
    yield "--read-only-tmpfs=false"
    yield from (f"--cap-drop={name}" for name in limits["capabilities"]["drop"])
    if not limits["allowPrivilegeEscalation"]:
        yield "--security-opt=no-new-privileges"


def _volumes(folder: Path, secrets: Mapping[str, str]) -> Iterator[str]:
    """Yield podman's options for the pod's volumes: empty ones, and one with the secrets, whose
    files belong to root and the group of the pod."""
    volumes = {volume["name"]: volume for volume in pod()["volumes"]}
    for mount in container()["volumeMounts"]:
        if "secret" in volumes[mount["name"]]:
            mode = volumes[mount["name"]]["secret"]["defaultMode"]
            _write(folder, secrets, mode)
            yield f"--volume={folder}:{mount['mountPath']}:ro"
        else:
            yield f"--tmpfs={mount['mountPath']}:mode=1777"


def _write(folder: Path, secrets: Mapping[str, str], mode: int) -> None:
    folder.mkdir(mode=0o755)
    for name, value in secrets.items():
        file = folder / name
        file.write_text(value)
        os.chown(file, 0, pod()["securityContext"]["fsGroup"])
        file.chmod(mode)
