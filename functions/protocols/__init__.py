"""The doors that other tools know: Open Inference Protocol, SageMaker's addresses, MCP."""
