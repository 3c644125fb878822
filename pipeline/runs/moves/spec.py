"""What is asked about two runs, and how their groups can be compared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from pipeline.errors import WrongFile
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.crosswalk import Crosswalk
from pipeline.reading.options import WrongOption
from pipeline.runs.committed import CommittedRun
from pipeline.runs.moves.ids import ID_MATCHINGS, IdMatching
from pipeline.scoring.documents import OUTPUT_FORMATS, OutputFormat

Change = Literal["moved", "came", "went"]
"""Into another group, into the file, or out of it."""
CHANGES: tuple[Change, ...] = get_args(Change)


@dataclass(frozen=True, slots=True)
class MovesSpec:
    """What is asked about two runs."""

    ids: IdMatching = "text"
    """Whether 001 and 1 are two customers, or one."""
    id_column: str | None = None
    """By its name in both inputs; None is the contract's."""
    reassign: bool = False
    """Let the newer run's model assign the customers of the older one again."""
    listed: tuple[Change, ...] = ("moved",)
    """Who is on the list."""
    format: OutputFormat = "csv"
    """Of the list."""

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            WrongOption: One of them cannot be meant.
        """
        if self.ids not in ID_MATCHINGS:
            raise WrongOption("ids", f"one of {', '.join(ID_MATCHINGS)}", self.ids)
        wrong = [each for each in self.listed if each not in CHANGES]
        if wrong or not self.listed:
            raise WrongOption("who", f"one of {', '.join(CHANGES)}", str(*wrong[:1]))
        if self.format not in OUTPUT_FORMATS:
            raise WrongOption("format", f"one of {', '.join(OUTPUT_FORMATS)}", self.format)


@dataclass(frozen=True, slots=True)
class KnownModels:
    """What a store knows of the models that runs were scored with."""

    load: Callable[[str], ClusterModel | None]
    """The model of a version; None where the store has it not."""
    crosswalk: Callable[[str, str], Crosswalk | None]
    """How the groups of two versions were matched by training; None where they were not."""


NO_MODELS = KnownModels(lambda version: None, lambda old, new: None)
"""Where there is no store: which feature moved a customer remains unknown."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """How the groups of both runs are compared."""

    by: Literal["same model", "crosswalk", "assigned again"]
    model: ClusterModel | None
    """What tells which feature moved a customer; None where nothing does."""
    crosswalk: Crosswalk | None = None
    """Where the groups are those of two models that training matched."""

    @property
    def comparable(self) -> bool:
        """Whether whoever changes the group has changed, and not the model."""
        return self.by != "crosswalk"


def grouping_of(
    old: CommittedRun, new: CommittedRun, spec: MovesSpec, models: KnownModels
) -> Grouping:
    """How the groups of two runs are compared.

    Raises:
        WrongFile: They are the same run, or of models whose groups nobody has matched.
    """
    if old.manifest["run"] == new.manifest["run"]:
        raise WrongFile(new.address, "is the same run as the other one; name two runs")
    versions = old.manifest["model_version"], new.manifest["model_version"]
    if versions[0] == versions[1]:
        return Grouping("same model", models.load(versions[1]))
    if spec.reassign:
        model = models.load(versions[1])
        if model is None:
            raise WrongFile(
                old.address, f"cannot be assigned again: the store has no model {versions[1]}"
            )
        return Grouping("assigned again", model)
    if old.manifest["contract_sha256"] != new.manifest["contract_sha256"]:
        raise _incomparable(old, new, "under another contract")
    crosswalk = models.crosswalk(*versions)
    if crosswalk is None:
        raise _incomparable(old, new, "by a model whose groups training has not matched")
    if not crosswalk.moved_share and crosswalk.old_ids == crosswalk.new_ids:
        return Grouping("same model", models.load(versions[1]))
    return Grouping("crosswalk", None, crosswalk)


def _incomparable(old: CommittedRun, new: CommittedRun, how: str) -> WrongFile:
    versions = f"{old.manifest['model_version']}, the other one by {new.manifest['model_version']}"
    return WrongFile(
        old.address,
        f"was scored {how}: by {versions}; give --reassign, which lets the newer model assign "
        "these customers again, or score their file with it",
    )
