"""The optional parts of this package: what each brings, and how a missing one is reported."""

from collections.abc import Iterator
from contextlib import contextmanager

from model_store.errors import MissingExtra

MODULES = {
    "api": frozenset(
        {
            "backports",
            "fastapi",
            "httptools",
            "mangum",
            "prometheus_client",
            "pydantic",
            "python_multipart",
            "starlette",
            "uvicorn",
            "uvloop",
        }
    ),
    "aws": frozenset({"boto3", "botocore", "s3transfer"}),
    "jwt": frozenset({"cryptography", "jwt"}),
    "lambda": frozenset({"awslambdaric"}),
    "mlflow": frozenset({"mlflow", "pandas"}),
    "onnx": frozenset({"onnx"}),
    "otel": frozenset({"opentelemetry"}),
    "sign": frozenset({"cryptography"}),
    "skops": frozenset({"pandas", "skops", "sklearn"}),
    "spark": frozenset({"pandas", "py4j", "pyspark"}),
    "sql": frozenset({"sqlglot"}),
    "train": frozenset({"joblib", "matplotlib", "pandas", "scipy", "sklearn", "threadpoolctl"}),
}
"""The modules that come with each extra of pyproject.toml, by the names they are imported by."""


@contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    """Import something that an extra brings.

    Args:
        what: What the user asked for, as the subject of the message: "--engine spark".
        extra: The extra's name in pyproject.toml.

    Raises:
        MissingExtra: A module of the extra is not installed. A module that is missing for any
            other reason is a fault and stays a ModuleNotFoundError.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in MODULES[extra]:
            raise
        raise MissingExtra(what, extra) from error
