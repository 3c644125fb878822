"""Takes out of the image's packages what is never opened, and lists their sizes.

python3 slim.py SITE_PACKAGES           deletes; refuses when a rule matches nothing any more
python3 slim.py --sizes FOLDER...       prints every package of a megabyte and more

It saves 115 of the 316 MB that packages take in the serving image. Why it is kept:
docs/decisions/0010-slim-image.md.
"""

import shutil
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

UNUSED = (
    # Arrow Flight, a network protocol; and Arrow's own client of S3: files come through boto3.
    "pyarrow/libarrow_flight.so.*",
    "pyarrow/libarrow_python_flight.so*",
    "pyarrow/_flight.*.so",
    "pyarrow/libarrow_s3.so.*",
    "pyarrow/_s3fs.*.so",
    # The wheel holds these three times under three names; the loader asks for one of them.
    "pyarrow/libarrow_python.so",
    "pyarrow/libarrow_python.so.*.*.*",
    # What colours the source code of 500 languages: rich is asked for tables.
    "pygments/lexers/[a-z]*.py",
    # Headers, sources and type stubs, for compilers and type checkers.
    "pyarrow/include",
    "**/*.pxd",
    "**/*.pxi",
    "**/*.pyi",
    "**/*.pyx",
    # The packages' own tests.
    "**/tests",
)
"""Patterns below site-packages."""
SYMBOLS = ("uvloop/*.so", "cryptography/hazmat/bindings/*.so")
"""Libraries that come with names for debuggers: 14 of the 16 MB of uvloop, 3 of cryptography's."""
_ELF_64, _ELF_HEADER = b"\x7fELF\x02\x01", 64
SERVICES = {"s3", "sqs", "sts", "sso", "sso-oidc", "ssm", "secretsmanager", "emr-serverless"}
"""What boto3 may be asked for: data, queues, credentials, keys, Spark. botocore knows 400 more."""
PURPOSES = {
    "pyarrow": "reads and writes CSV and Parquet in blocks",
    "numpy": "assigns whole blocks of customers at once",
    "numpy.libs": "numpy's linear algebra, without which it does not start",
    "botocore": "S3, queues and keys, under boto3",
    "python": "bytecode of the standard library, for a quick start",
    "cryptography": "checks the signatures of tokens",
    "uvloop": "the server's event loop",
    "pydantic_core": "writes the JSON of answers",
    "pydantic": "FastAPI's models, and the OpenAPI document",
    "model_store": "the models that ship, with their reports",
    "python_calamine": "reads Excel workbooks",
    "rich": "tables on the command line",
    "scipy": "the statistics of training, and under scikit-learn",
    "scipy.libs": "scipy's linear algebra",
    "sklearn": "fits and judges clusters",
    "pandas": "cleans and profiles tables for training",
    "matplotlib": "the figures in reports",
    "fontTools": "matplotlib's fonts",
    "PIL": "matplotlib needs it at import",
    "pillow.libs": "the same",
    "joblib": "pipeline.joblib, for data scientists",
    "narwhals": "scikit-learn's view of tables",
}


def unused(site_packages: Path) -> Iterator[Path]:
    """Files and folders that are never opened.

    Raises:
        LookupError: A rule matches nothing any more.
    """
    for rule in UNUSED:
        matches = list(site_packages.glob(rule))
        if not matches:
            raise LookupError(f"{rule} matches nothing: look again at what is large")
        yield from matches
    for service in (site_packages / "botocore/data").iterdir():
        if service.is_dir() and service.name not in SERVICES:
            yield service


def remove(paths: Sequence[Path]) -> None:
    """Delete files and whole folders."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # it may have gone with its folder


def cut_symbols(path: Path) -> None:
    """Cut off what follows the last segment of a 64-bit ELF library: names for debuggers.

    A loader reads segments alone; sections, of which the table is cut off as well, are for linkers.
    """
    with path.open("r+b") as file:
        head = bytearray(file.read(_ELF_HEADER))
        if not head.startswith(_ELF_64):
            return
        table, size, count = (
            *struct.unpack_from("<Q", head, 32),
            *struct.unpack_from("<HH", head, 54),
        )
        ends = [table + size * count]
        for number in range(count):
            file.seek(table + size * number)
            offset, in_file = struct.unpack_from("<8xQ16xQ", file.read(size))
            ends.append(offset + in_file)
        struct.pack_into("<Q", head, 40, 0)  # where its table of sections is: nowhere
        struct.pack_into("<HH", head, 60, 0, 0)  # how many there are, and which one names them
        file.seek(0)
        file.write(head)
        file.truncate(max(ends))


def package(path: Path) -> str:
    """The package that a file of the image belongs to, bytecode or not; or Python itself."""
    for folder in ("site-packages", "code"):
        if folder in path.parts[:-1]:
            return path.parts[path.parts.index(folder) + 1]
    return "python"


def sizes(folders: Sequence[Path]) -> Iterator[tuple[float, str]]:
    """Megabytes and name of every package below the folders, the largest first."""
    totals: dict[str, float] = {}
    for folder in folders:
        for path in (path for path in folder.rglob("*") if not path.is_dir()):
            name = package(path.relative_to(folder.parent))
            totals[name] = totals.get(name, 0) + path.lstat().st_size / 1e6
    yield from sorted(((size, name) for name, size in totals.items()), reverse=True)


def main(arguments: Sequence[str]) -> None:
    """Delete, or list sizes."""
    if arguments[0] != "--sizes":
        site_packages = Path(arguments[0])
        remove(list(unused(site_packages)))
        for name in SYMBOLS:
            for path in site_packages.glob(name):
                cut_symbols(path)
        return
    measured = list(sizes([Path(argument) for argument in arguments[1:]]))
    for megabytes, name in measured:
        if megabytes >= 1:
            print(f"{megabytes:8.1f} MB  {name:<24} {PURPOSES.get(name, '')}".rstrip())
    print(f"{sum(megabytes for megabytes, _ in measured):8.1f} MB  in all, over the base")


if __name__ == "__main__":
    main(sys.argv[1:])
