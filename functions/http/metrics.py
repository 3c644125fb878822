"""The address at which Prometheus asks for figures; it is there where a setting says so."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from functions.http.lazy_routes import PageRoute
from functions.telemetry.telemetry import Exposition

METRICS = "/metrics"


def metrics_route(exposition: Exposition) -> PageRoute:
    """The route that answers with figures.

    Args:
        exposition: Gives all of them.
    """

    async def metrics(request: Request) -> Response:
        accept = request.headers.get("accept", "")
        content, media_type = await asyncio.to_thread(exposition, accept)
        return Response(content, headers={"Content-Type": media_type})

    return PageRoute(METRICS, metrics, methods=["GET"])
