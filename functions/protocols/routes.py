"""The routes of other protocols, and nothing that an assignment would have to wait for."""

from functools import cached_property
from typing import TYPE_CHECKING

from functions.http.lazy_routes import Paths, lazy_routes
from functions.live_models import LiveModels
from functions.settings import Settings

if TYPE_CHECKING:
    from functions.protocols.inference import InferencePages
    from functions.protocols.mcp import McpPages
    from functions.protocols.sagemaker import SageMakerPages

_GET, _POST = ("GET",), ("POST",)
_MODEL = "/v2/models/{model}"
_VERSION = f"{_MODEL}/versions/{{version}}"
_INFERENCE: Paths = {
    "/v2": ("server", _GET),
    "/v2/health/live": ("live", _GET),
    "/v2/health/ready": ("ready", _GET),
    f"{_MODEL}/infer": ("infer", _POST),
    f"{_MODEL}/ready": ("model_ready", _GET),
    _MODEL: ("model", _GET),
    f"{_VERSION}/infer": ("infer", _POST),
    f"{_VERSION}/ready": ("model_ready", _GET),
    _VERSION: ("model", _GET),
}
"""Answered by `functions.protocols.inference.InferencePages`."""
_SAGEMAKER: Paths = {
    "/ping": ("ping", _GET),
    "/invocations": ("invocations", _POST),
    "/execution-parameters": ("parameters", _GET),
}
"""Answered by `functions.protocols.sagemaker.SageMakerPages`."""
_MCP: Paths = {"/mcp": ("message", _POST)}
"""Answered by `functions.protocols.mcp.McpPages`."""


class ProtocolRoutes:
    """The routes of each protocol; what answers them is imported with the first request."""

    def __init__(self, live_models: LiveModels, settings: Settings) -> None:
        self.live_models, self.settings = live_models, settings
        self.routes = [
            *lazy_routes(lambda: self._inference, _INFERENCE),
            *lazy_routes(lambda: self._sagemaker, _SAGEMAKER),
            *lazy_routes(lambda: self._mcp, _MCP),
        ]

    @cached_property
    def _inference(self) -> "InferencePages":
        from functions.protocols.inference import InferencePages

        return InferencePages(self.live_models, self.settings)

    @cached_property
    def _sagemaker(self) -> "SageMakerPages":
        from functions.protocols.sagemaker import SageMakerPages

        return SageMakerPages(self.live_models, self.settings)

    @cached_property
    def _mcp(self) -> "McpPages":
        from functions.protocols.mcp import McpPages

        return McpPages(self.live_models, self.settings)
