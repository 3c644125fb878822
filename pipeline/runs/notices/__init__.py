"""Somebody is told of a run: what, and that it arrives though a process dies. No network here."""

from pipeline.runs.notices.delivery import SILENT, Delivered, Notices, Tell
from pipeline.runs.notices.notice import (
    MOST_REJECTED,
    Notice,
    Rule,
    VerdictNote,
    trial_notice,
    verdicts_on,
)
from pipeline.runs.notices.outbox import Outbox
from pipeline.runs.notices.receivers import NotDelivered, Receiver

__all__ = [
    "MOST_REJECTED",
    "SILENT",
    "Delivered",
    "NotDelivered",
    "Notice",
    "Notices",
    "Outbox",
    "Receiver",
    "Rule",
    "Tell",
    "VerdictNote",
    "trial_notice",
    "verdicts_on",
]
