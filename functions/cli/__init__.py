"""The `customer-clusters` command, one module a sub-command."""
