"""Makes of the settings who is told of runs. What sends is loaded where a setting names it."""

from collections.abc import Iterator, Mapping

from functions.logs import Log
from functions.notice_settings import NoticeSettings
from model_store.extras import needs_extra
from pipeline.runs.notices import Notices, Receiver, Tell


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
