"""Drafting a contract from a stranger's file, and a file of customers from their purchases."""

from pipeline.training.drafting.draft import NONE, Answers, Draft, draft_contract
from pipeline.training.drafting.toml import to_toml

__all__ = ["NONE", "Answers", "Draft", "draft_contract", "to_toml"]
