"""The routes of whole files, and nothing that an assignment over HTTP would have to wait for.

Where there are buckets, as on Lambda, `BucketUploads` answers them, else `LocalUploads`.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from functions.live_model import LiveModel
from functions.settings import Settings
from functions.web.routes import Paths, lazy_routes

if TYPE_CHECKING:
    from functions.uploads.bucket_uploads import BucketUploads
    from functions.uploads.local_uploads import LocalUploads

_LOCAL: Paths = {
    "/files": ("files", ("GET", "POST")),
    "/files/{id}/match": ("match", ("POST",)),
    "/files/{id}/{name}": ("download", ("GET",)),
}
_IN_BUCKETS: Paths = {
    "/files": ("form", ("GET",)),
    "/files/{id}": ("results", ("GET",)),
    "/files/{id}/{name}": ("download", ("GET",)),
}


class UploadRoutes:
    """The routes of whole files; what answers them is imported with the first one."""

    def __init__(self, live_model: LiveModel, settings: Settings) -> None:
        self.live_model, self.settings = live_model, settings
        self.routes = lazy_routes(
            lambda: self._uploads, _IN_BUCKETS if settings.buckets else _LOCAL
        )

    def stop(self) -> None:
        """Give back what was taken: results on disk, or connections."""
        if "_uploads" in vars(self):
            self._uploads.stop()

    @cached_property
    def _uploads(self) -> "LocalUploads | BucketUploads":
        if self.settings.buckets:
            from functions.uploads.bucket_uploads import BucketUploads

            return BucketUploads(self.live_model, self.settings.buckets)
        from functions.uploads.local_uploads import LocalUploads

        return LocalUploads(self.live_model, self.settings)
