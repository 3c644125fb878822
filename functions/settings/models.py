"""Settings of the models: which there are, which is meant, and whose signature counts.

A command that looks one customer up reads these alone: see `Settings` for the rest.
"""

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

from functions.settings.kinds import entries_of, parts_of
from functions.settings.variables import Kind, WrongSetting, read, setting, variables_of
from model_store import BUNDLED, CHAMPION, S3Address

DEFAULT = "default"
"""The name of the model that answers where none is named."""
PAGE = "page"
"""The folder of the input bucket into which the page /files puts its files: no model's name."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class NamedModel(NamedTuple):
    """One of several models that a process answers with."""

    name: str
    """What stands in addresses, and what a folder of the input bucket is called."""
    store: str
    reference: str | None = None
    """The alias or version; None: that of all models."""

    @classmethod
    def from_text(cls, text: str) -> Self:
        """A model of a text such as cards=s3://bucket/models#champion; ValueError for another."""
        name, _, address = text.partition("=")
        store, _, reference = address.partition("#")
        name, store, reference = name.strip(), store.strip(), reference.strip()
        if (
            not _NAME.fullmatch(name)
            or name == PAGE
            or not store
            or ("#" in address and not reference)
        ):
            raise ValueError
        if "://" in store:
            S3Address.from_string(store)
        return cls(name, store, reference or None)


def _models(text: str) -> tuple[NamedModel, ...]:
    models = entries_of(parts_of(text), NamedModel.from_text)
    if len({model.name for model in models}) < len(models):
        raise ValueError
    return models


def _keys(text: str) -> tuple[str, ...]:
    keys = parts_of(text)
    if any(len(binascii.a2b_base64(key, strict_mode=True)) != 32 for key in keys):
        raise ValueError
    return keys


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Where the models are, and which one answers."""

    store: str = setting(
        "CUSTOMER_CLUSTERS_STORE",
        Kind(str, "a folder or an s3:// address"),
        "The model store: a folder or `s3://bucket/prefix`",
        default=str(BUNDLED),
        shown="the bundled store",
    )
    model: str = setting(
        "CUSTOMER_CLUSTERS_MODEL",
        Kind(str, "an alias or a version"),
        "The alias or version of the model that answers",
        default=CHAMPION,
    )
    models: tuple[NamedModel, ...] = setting(
        "CUSTOMER_CLUSTERS_MODELS",
        Kind(
            _models,
            "name=store or name=store#alias, separated by commas, with names of their own of "
            f"letters, digits, - and _ (not {PAGE})",
        ),
        "Several models, `cards=s3://bucket/models#champion,loans=/stores/loans`: the one named "
        "`default`, or the first, answers where no model is named; with CUSTOMER_CLUSTERS_STORE "
        "that store is the one named `default`",
        default=(),
        shown="one, of CUSTOMER_CLUSTERS_STORE",
    )
    trusted_keys: tuple[str, ...] = setting(
        "CUSTOMER_CLUSTERS_TRUSTED_KEYS",
        Kind(_keys, "Ed25519 public keys in base64, separated by commas"),
        "Ed25519 public keys in base64, with commas; where there are any, a model that none of "
        "them signed is refused",
        default=(),
    )
    sign_key: Path | None = setting(
        "CUSTOMER_CLUSTERS_SIGN_KEY",
        Kind(Path, "a file"),
        "The file with the Ed25519 private key (PEM) that signs what is published",
        default=None,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from a mapping such as `os.environ`.

        Raises:
            WrongSetting: A variable cannot be used; the error names it.
        """
        return read(cls, environment).with_default_first(environment)

    @property
    def named_models(self) -> tuple[NamedModel, ...]:
        """The models that answer, that of addresses without a name first."""
        return self.models or (NamedModel(DEFAULT, self.store, self.model),)

    def with_default_first(self, environment: Mapping[str, str]) -> Self:
        """With the default model first among all, and as the store and the model of this.

        Raises:
            WrongSetting: Two models would be the default.
        """
        if not self.models:
            return self
        variables = variables_of(ModelSettings)
        with_store = variables["store"].is_set(environment)
        named = {model.name: model for model in self.models}
        if with_store and DEFAULT in named:
            expected = f"no model named {DEFAULT}, for CUSTOMER_CLUSTERS_STORE is set: it is that"
            raise WrongSetting(variables["models"].name, expected)
        first = (
            NamedModel(DEFAULT, self.store) if with_store else named.get(DEFAULT, self.models[0])
        )
        models = [first, *(model for model in self.models if model.name != first.name)]
        known = tuple(each._replace(reference=each.reference or self.model) for each in models)
        return replace(self, models=known, store=first.store, model=first.reference or self.model)
