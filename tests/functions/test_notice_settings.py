"""Who is told, from an environment."""

import base64

import pytest

from functions.aws.notifications import Bus, Topic
from functions.notices import logged, notices_from
from functions.settings.notices import NoticeSettings
from functions.settings.variables import WrongSetting
from functions.webhook import Webhook
from pipeline.runs.notices import Rule
from tests.support.notices import SECRET, SECRET_TEXT

PREFIX = "CUSTOMER_CLUSTERS_"
HOOK = {f"{PREFIX}WEBHOOK": "https://example.org/hook?t=1", f"{PREFIX}WEBHOOK_SECRET": SECRET_TEXT}
TOPIC = "arn:aws:sns:eu-central-1:123456789012:runs"
BUS = "arn:aws:events:eu-central-1:123456789012:event-bus/runs"


def test_without_settings_nobody_is_told() -> None:
    assert NoticeSettings.from_environment({}) == NoticeSettings()
    assert not notices_from({}, lambda sentence: None).active


def test_every_setting_is_read() -> None:
    found = NoticeSettings.from_environment(
        {
            **HOOK,
            f"{PREFIX}WEBHOOK_FORM": "text",
            f"{PREFIX}NOTIFY_TOPIC": TOPIC,
            f"{PREFIX}NOTIFY_BUS": BUS,
            f"{PREFIX}NOTIFY": "attention",
            f"{PREFIX}NOTIFY_REJECTED_SHARE": "0.2",
        }
    )
    hook = HOOK[f"{PREFIX}WEBHOOK"]
    assert found == NoticeSettings(hook, "text", (SECRET,), TOPIC, BUS, "attention", 0.2)
    assert found.rule == Rule(0.2, only_attention=True)


def test_settings_name_the_receivers() -> None:
    environment = {**HOOK, f"{PREFIX}NOTIFY_TOPIC": TOPIC, f"{PREFIX}NOTIFY_BUS": BUS}
    made = notices_from(environment, lambda sentence: None)
    assert [type(receiver) for receiver in made.receivers] == [Bus, Topic, Webhook]
    assert [receiver.name for receiver in made.receivers] == ["bus", "topic", "webhook"]


def test_secrets_may_be_two_and_are_not_shown() -> None:
    both = {**HOOK, f"{PREFIX}WEBHOOK_SECRET": f"{SECRET_TEXT}, {SECRET_TEXT}"}
    found = NoticeSettings.from_environment(both)
    assert found.webhook_secrets == (SECRET, SECRET)
    assert repr(SECRET) not in repr(found)
    assert "example.org" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK", "http://example.org/hook"),
        ("WEBHOOK", "ftp://example.org"),
        ("WEBHOOK", "https://"),
        ("WEBHOOK", "https://user:word@example.org"),
        ("WEBHOOK", "https://example.org/a b"),
        ("WEBHOOK", "https://example.org:port"),
        ("WEBHOOK", "http://127.0.0.1.example.org"),
        ("WEBHOOK", "https://example.org/ü"),
        ("WEBHOOK_SECRET", "my-secret"),
        ("WEBHOOK_SECRET", "whsec_my-secret"),
        ("WEBHOOK_SECRET", "whsec_" + base64.b64encode(bytes(23)).decode()),
        ("WEBHOOK_SECRET", "whsec_" + base64.b64encode(bytes(65)).decode()),
        ("WEBHOOK_SECRET", ","),
        ("WEBHOOK_FORM", "slack"),
        ("NOTIFY_TOPIC", "runs"),
        ("NOTIFY_TOPIC", BUS),
        ("NOTIFY_BUS", TOPIC),
        ("NOTIFY_BUS", "arn:aws:events:eu-central-1:123456789012:rule/runs"),
        ("NOTIFY", "some"),
        ("NOTIFY_REJECTED_SHARE", "5%"),
        ("NOTIFY_REJECTED_SHARE", "1.5"),
        ("NOTIFY_REJECTED_SHARE", "nan"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_kept_secret(name: str, value: str) -> None:
    with pytest.raises(WrongSetting, match=f"{PREFIX}{name}: expected ") as caught:
        NoticeSettings.from_environment({**HOOK, PREFIX + name: value})
    assert value not in str(caught.value).partition("expected")[0]
    assert "my-secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:80", "127.8.8.8"])
def test_this_machine_may_be_told_without_tls(host: str) -> None:
    environment = {**HOOK, f"{PREFIX}WEBHOOK": f"http://{host}/hook"}
    assert NoticeSettings.from_environment(environment).webhook == f"http://{host}/hook"


def test_a_webhook_without_a_secret_is_refused_unless_it_gets_a_text() -> None:
    environment = {f"{PREFIX}WEBHOOK": "https://example.org/"}
    with pytest.raises(WrongSetting, match=f"{PREFIX}WEBHOOK_SECRET: .*the webhook has none"):
        NoticeSettings.from_environment(environment)
    NoticeSettings.from_environment({**environment, f"{PREFIX}WEBHOOK_FORM": "text"})


def test_what_could_not_be_sent_is_a_warning_of_the_log() -> None:
    lines: list[object] = []
    logged(lines.append)("webhook did not take a notice")
    assert lines == [{"level": "warning", "message": "webhook did not take a notice"}]
