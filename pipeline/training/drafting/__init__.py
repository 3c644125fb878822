"""Drafting a contract from a stranger's file, and a file of customers from their purchases."""

from pipeline.training.drafting.dates import ORDERS, Order
from pipeline.training.drafting.draft import NONE, Answers, Draft, draft_contract
from pipeline.training.drafting.ledger import Ledger, LedgerColumns, draft_of_ledger, read_ledger
from pipeline.training.drafting.toml import to_toml

__all__ = [
    "NONE",
    "ORDERS",
    "Answers",
    "Draft",
    "Ledger",
    "LedgerColumns",
    "Order",
    "draft_contract",
    "draft_of_ledger",
    "read_ledger",
    "to_toml",
]
