"""Somebody is told: of what, and that it arrives though a process dies. No network here.

Of runs `notice.py` says what; of outcomes `outcomes.py`, of candidates `candidates.py`.
"""

from pipeline.runs.notices.delivery import SILENT, Delivered, Notices, Tell, address_of
from pipeline.runs.notices.notice import (
    MOST_REJECTED,
    Notice,
    Rule,
    VerdictNote,
    trial_notice,
    verdicts_on,
)
from pipeline.runs.notices.outbox import Beside, Outbox, Place
from pipeline.runs.notices.receivers import NotDelivered, Receiver

__all__ = [
    "MOST_REJECTED",
    "SILENT",
    "Beside",
    "Delivered",
    "NotDelivered",
    "Notice",
    "Notices",
    "Outbox",
    "Place",
    "Receiver",
    "Rule",
    "Tell",
    "VerdictNote",
    "address_of",
    "trial_notice",
    "verdicts_on",
]
