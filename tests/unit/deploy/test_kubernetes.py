"""The manifests for Kubernetes are valid, and agree with each other, the image and the settings."""

from pathlib import Path, PurePosixPath
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from domain.postgres_url import PostgresUrl
from entrypoints.config.monitoring import ListenAddress
from entrypoints.config.settings import Settings
from entrypoints.http.api.routes.table import ROUTES
from entrypoints.http.app import DRAIN_TIMEOUT
from tests.unit.deploy.manifests import FOLDER, container, find, pod, read_manifests
from tests.unit.deploy.test_dockerfile import instructions

VERSIONS = ("1.30", kubernetes_validate.latest_version())

WITHOUT_SCHEMA = {"Kustomization", "ExternalSecret"}
"""Kinds that are not Kubernetes' own."""

FILES = sorted(FOLDER.glob("*.yaml"))

DSN = "postgresql://pgvend:password@db.example/postgres?sslmode=verify-full"

SECRETS = {
    "admin-dsn": DSN,
    "registry-url": DSN,
    "service-secret": "5d1ffb2c8e7a1d9f34c60b7720cc91ae",
    "admin-key": "f34c60b7720cc91ae5d1ff",
}


def settings() -> Settings:
    """Return the settings of a pod, secrets from files included."""
    (folder,) = [each for each in container()["volumeMounts"] if each["name"] == "secrets"]
    values = {}
    for name, value in find("ConfigMap")["data"].items():
        if name.endswith("_FILE"):
            path = PurePosixPath(value)
            assert str(path.parent) == folder["mountPath"]
            values[name.removesuffix("_FILE")] = SECRETS[path.name]
        else:
            values[name] = value
    assert values.keys() <= {field.validation_alias for field in Settings.model_fields.values()}
    return Settings.model_validate(values)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_manifest_is_valid(file: Path, version: str) -> None:
    for manifest in read_manifests(file):
        if manifest["kind"] not in WITHOUT_SCHEMA:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_a_misspelled_field_is_invalid() -> None:
    misspelled = {**find("Deployment"), "specification": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(misspelled, VERSIONS[-1], strict=True)


def test_all_manifests_but_examples_are_applied_in_one_namespace() -> None:
    kustomization = find("Kustomization")
    files = {file.name for file in FILES} - {"kustomization.yaml"}
    manifests = [each for name in files for each in read_manifests(FOLDER / name)]

    assert set(kustomization["resources"]) == files
    assert {each["metadata"].get("namespace", each["metadata"]["name"]) for each in manifests} == {
        kustomization["namespace"]
    }
    assert container()["image"] in {image["name"] for image in kustomization["images"]}


def test_the_settings_are_valid_and_those_of_replicas_with_keys() -> None:
    valid = settings()
    assert valid.registry_url
    assert valid.names == "opaque", "the pooler needs it"
    assert not valid.is_open


def test_every_secret_is_a_file_that_the_example_of_a_store_provides() -> None:
    example = find("ExternalSecret")["spec"]
    (volume,) = [each for each in pod()["volumes"] if each["name"] == "secrets"]

    assert volume["secret"]["secretName"] == example["target"]["name"]
    assert {*SECRETS, "ca.pem"} == {each["secretKey"] for each in example["data"]}
    assert not {name for name in find("ConfigMap")["data"] if name in _secret_variables()}


def _secret_variables() -> set[str]:
    variables = find("ConfigMap")["data"]
    return {name.removesuffix("_FILE") for name in variables if name.endswith("_FILE")}


def test_ports_are_those_of_the_settings() -> None:
    ports = {each["name"]: each["containerPort"] for each in container()["ports"]}
    (published,) = find("Service")["spec"]["ports"]

    assert ports["api"] == settings().port
    assert ListenAddress("0.0.0.0", ports["metrics"]) == settings().metrics_listen
    assert published["targetPort"] == "api"


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_a_probe_calls_a_route_that_needs_no_key(probe: str) -> None:
    call = container()[probe]["httpGet"]
    (route,) = [each for each in ROUTES if (each.method, each.path) == ("GET", call["path"])]
    assert call["port"] == "api"
    assert route.scope is None


def test_a_pod_has_time_to_finish_requests_and_background_work() -> None:
    command, pause = container()["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    assert pod()["terminationGracePeriodSeconds"] > int(pause) + 2 * DRAIN_TIMEOUT


def test_a_pod_meets_the_restricted_pod_security_standard_and_writes_to_volumes_alone() -> None:
    process, limits = pod()["securityContext"], container()["securityContext"]
    (user,) = instructions("USER")

    assert user == f"{process['runAsUser']}:{process['runAsGroup']}"
    assert process["fsGroup"] == process["runAsGroup"], "it reads the secrets"
    assert process["runAsNonRoot"]
    assert process["seccompProfile"] == {"type": "RuntimeDefault"}
    assert limits["capabilities"] == {"drop": ["ALL"]}
    assert (limits["allowPrivilegeEscalation"], limits["readOnlyRootFilesystem"]) == (False, True)
    assert (
        find("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        == "restricted"
    )


def test_the_data_folder_is_in_a_volume_and_pgvends_own() -> None:
    """A volume itself belongs to root, and pgvend closes its folder to other users."""
    folder = PurePosixPath(settings().data_dir)
    writable = {each["mountPath"] for each in container()["volumeMounts"] if "readOnly" not in each}
    assert str(folder.parent) in writable


def test_pods_have_no_token_and_no_variables_of_services() -> None:
    assert pod()["automountServiceAccountToken"] is False
    assert find("ServiceAccount")["automountServiceAccountToken"] is False
    assert pod()["enableServiceLinks"] is False


@pytest.mark.parametrize(
    "labels",
    [
        find("Deployment")["spec"]["selector"]["matchLabels"],
        find("Service")["spec"]["selector"],
        find("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        find("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ],
)
def test_selectors_select_the_pods(labels: Any) -> None:
    assert labels == find("Deployment")["spec"]["template"]["metadata"]["labels"]


def test_one_replica_remains_during_the_maintenance_of_nodes() -> None:
    budget = find("PodDisruptionBudget")["spec"]["maxUnavailable"]
    assert find("Deployment")["spec"]["replicas"] > budget


def test_the_network_policy_admits_what_pgvend_needs() -> None:
    policy = find("NetworkPolicy")["spec"]
    entering = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
    leaving = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
    (server,) = PostgresUrl.parse(DSN).addresses

    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert entering == {each["name"] for each in container()["ports"]}
    assert {server.port, settings().public_port, 53, 443} == leaving
