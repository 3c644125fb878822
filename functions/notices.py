"""Makes of the settings who is told, and keeps what is told of a candidate.

What sends is loaded where a setting names it.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from functions.logs import Log
from functions.settings.notices import NoticeSettings
from model_store import CANDIDATE
from model_store.extras import needs_extra
from pipeline.model.published.facts import facts_of
from pipeline.runs.notices import Beside, Notice, Notices, Receiver, Tell, address_of
from pipeline.runs.notices.candidates import CLUSTERS, candidate_notice
from pipeline.runs.notices.notice import FigureNote

if TYPE_CHECKING:
    from model_store import Artifact, Store
    from pipeline.comparing import Comparison
    from pipeline.training.retrain import Retrained


def notices_from(environment: Mapping[str, str], tell: Tell) -> Notices:
    """Who is told, as the environment says.

    Args:
        environment: Such as `os.environ`.
        tell: Hears in a sentence what could not be sent.

    Raises:
        WrongSetting: A variable cannot be used.
        MissingExtra: A topic or a bus is named, and boto3 is not installed.
    """
    settings = NoticeSettings.from_environment(environment)
    return Notices(tuple(_receivers(settings)), settings.rule, tell=tell)


def logged(log: Log) -> Tell:
    """A sentence as a warning of a log."""
    return lambda sentence: log({"level": "warning", "message": sentence})


def keep_candidate(
    notices: Notices, store: "Store", retrained: "Retrained", comparison: "Comparison"
) -> Beside:
    """Keep the notice of a candidate, which is sent by `deliver_quietly`.

    A retraining that finds its version there keeps it too, for the one before may have died before
    it could; who was told is not told again. None is kept of what is not the candidate now.

    Args:
        notices: Who is told.
        store: Where the candidate was published.
        retrained: What became of the retraining.
        comparison: With the champion.

    Returns:
        Where the outbox is: in the store.

    Raises:
        Temporary: The storage takes no notice now.
    """
    place, version = Beside(retrained.artifact.storage), retrained.artifact.version

    def make() -> Notice:
        moved = comparison.crosswalk.moved_share if comparison.crosswalk else None
        return candidate_notice(
            version, comparison.old, _figures(retrained, comparison), moved,
            comparison.objections, address_of(place), notices.clock(),
        )  # fmt: skip

    if retrained.status != "champion" and store.aliases().get(CANDIDATE) == version:
        notices.keep(place, make)
    return place


def _figures(retrained: "Retrained", comparison: "Comparison") -> dict[str, FigureNote]:
    """Those that either version has, and how many groups each has."""
    old, new = _clusters(retrained.champion), _clusters(retrained.artifact)
    change = None if old is None or new is None else new - old
    groups: dict[str, FigureNote] = {CLUSTERS: {"old": old, "new": new, "change": change}}
    return groups | {
        name: {"old": each.old, "new": each.new, "change": each.change}
        for name, each in comparison.figures.items()
        if each.known
    }


def _clusters(artifact: "Artifact") -> int | None:
    sizes = facts_of(artifact).get("metrics", {}).get("cluster_sizes")
    return len(sizes) if sizes else None


def _receivers(settings: NoticeSettings) -> Iterator[Receiver]:
    if settings.topic or settings.bus:
        with needs_extra("a topic or bus for notices", "aws"):
            from functions.aws.notifications import Bus, Topic
        if settings.bus:
            yield Bus(settings.bus)
        if settings.topic:
            yield Topic(settings.topic)
    if settings.webhook:
        from functions.webhook import Webhook

        yield Webhook(settings.webhook, settings.webhook_form, settings.webhook_secrets)
