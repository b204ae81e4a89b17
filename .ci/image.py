"""Build the image with docker, podman or buildah: the first of them that works here.

`--base debian` builds it on a Debian that debootstrap installs, once, for machines that cannot load
images from a registry. That needs root.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]

TAG = "pgvend"

ENGINES = ("docker", "podman", "buildah")

LOCAL_BASE = "localhost/pgvend-base"
SUITE = "trixie"
PACKAGES = ("ca-certificates", "passwd", "python3", "python3-venv", "util-linux")


def main() -> None:
    arguments = _parse_arguments()
    engine = arguments.engine or find_engine()
    base = arguments.base
    if base == "debian":
        ensure_local_base(engine)
        base = LOCAL_BASE
    build(engine, arguments.tag, base, arguments.certificates)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=ENGINES, help="default: the first that works here")
    parser.add_argument("--tag", default=TAG, help=f"the image's name ({TAG})")
    parser.add_argument("--base", help="the image to build on, or `debian`")
    parser.add_argument(
        "--certificates", type=Path, metavar="FILE", help="CA certificates of the network's proxy"
    )
    return parser.parse_args()


def find_engine() -> str:
    """Return the first engine that is installed and works: docker needs its daemon."""
    for engine in ENGINES:
        if shutil.which(engine) and _succeeds(engine, "info"):
            return engine
    sys.exit("make image needs docker, podman or buildah. On Debian: apt-get install podman")


def build(engine: str, tag: str, base: str | None, certificates: Path | None) -> None:
    options = [f"--tag={tag}", f"--build-arg=REVISION={_read_revision()}"]
    if base:
        options.append(f"--build-arg=BASE={base}")
    if certificates:
        options.append(f"--secret=id=certificates,src={certificates.resolve()}")
    if engine != "docker":
        # the OCI format has no HEALTHCHECK; chroot needs no more rights than the build itself
        options += ["--format=docker", "--isolation=chroot"]
    _run(engine, "build", *options, str(REPOSITORY))


def ensure_local_base(engine: str) -> None:
    """Install a Debian as an image, unless the engine has it already."""
    if _succeeds(engine, *_inspect(engine), LOCAL_BASE):
        return
    if not shutil.which("debootstrap"):
        sys.exit("--base debian needs debootstrap: apt-get install debootstrap")
    with _debian() as archive:
        _import(engine, archive)


def _inspect(engine: str) -> Sequence[str]:
    return ("inspect", "--type=image") if engine == "buildah" else ("image", "inspect")


@contextmanager
def _debian() -> Iterator[Path]:
    """Install Debian in a temporary folder, and yield it as an archive."""
    with tempfile.TemporaryDirectory(prefix="pgvend-base-") as folder:
        root, archive = Path(folder, "root"), Path(folder, "root.tar")
        include = f"--include={','.join(PACKAGES)}"
        _run("debootstrap", "--variant=minbase", include, SUITE, str(root))
        left_out = ("./var/cache/apt/archives/*", "./var/lib/apt/lists/*", "./proc/*", "./sys/*")
        excludes = [f"--exclude={pattern}" for pattern in left_out]
        _run("tar", "--create", f"--file={archive}", *excludes, f"--directory={root}", ".")
        yield archive


def _import(engine: str, archive: Path) -> None:
    if engine != "buildah":
        _run(engine, "import", str(archive), LOCAL_BASE)
        return
    container = _read(engine, "from", "scratch")
    _run(engine, "add", "--quiet", container, str(archive), "/")
    _run(engine, "commit", "--quiet", "--rm", container, LOCAL_BASE)


def _read_revision() -> str:
    try:
        return _read("git", "-C", str(REPOSITORY), "rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _read(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _succeeds(*command: str) -> bool:
    return not subprocess.run(command, check=False, capture_output=True).returncode


def _run(*command: str) -> None:
    """Run the command; end this program with its status if it fails."""
    status = subprocess.run(command, check=False).returncode
    if status:
        sys.exit(f"{command[0]} failed with status {status}")


if __name__ == "__main__":
    main()
