"""Podman's options for what the manifests of `deploy/kubernetes` give a container."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.unit.deploy.manifests import container, pod


def pod_rights() -> Iterator[str]:
    """Yield podman's options for the rights of the pod's process."""
    process, limits = pod()["securityContext"], container()["securityContext"]
    yield f"--user={process['runAsUser']}:{process['runAsGroup']}"
    yield f"--read-only={str(limits['readOnlyRootFilesystem']).lower()}"
    yield "--read-only-tmpfs=false"
    yield from (f"--cap-drop={name}" for name in limits["capabilities"]["drop"])
    if not limits["allowPrivilegeEscalation"]:
        yield "--security-opt=no-new-privileges"


def pod_volumes(folder: Path, secrets: Mapping[str, str]) -> Iterator[str]:
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
