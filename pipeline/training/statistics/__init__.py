"""Figures about groups of customers: effect sizes, stability, churn, the gap statistic."""
