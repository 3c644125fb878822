"""The routes of whole files, and nothing that an assignment over HTTP would have to wait for.

Where there are buckets, as on Lambda, `BucketUploads` answers them, else `LocalUploads`.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from functions import logs
from functions.live_model import LiveModel
from functions.live_models import LiveModels
from functions.logs import Log
from functions.settings import Settings
from functions.web.routes import Paths, lazy_routes

if TYPE_CHECKING:
    from functions.telemetry import Telemetry
    from functions.uploads.bucket_uploads import BucketUploads
    from functions.uploads.jobs.bucket import BucketJobs
    from functions.uploads.jobs.local import LocalJobs
    from functions.uploads.local_uploads import LocalUploads
    from functions.uploads.moves import MovesPages
    from pipeline.runs.notices import Notices

_FORM: Paths = {
    "/files": ("files", ("GET", "POST")),
    "/files/{id}/match": ("match", ("POST",)),
}
_KEPT: Paths = {
    "/files/{id}": ("results", ("GET",)),
    "/files/{id}/summary": ("summary", ("GET",)),
    "/files/{id}/chart.svg": ("chart", ("GET",)),
    "/files/{id}/group-{cluster}.csv": ("group", ("GET",)),
    "/files/{id}/audience": ("audience", ("GET",)),
    "/files/{id}/{name}": ("download", ("GET",)),
}
_MOVES: Paths = {
    "/files/{id}/moves": ("compare", ("GET", "POST")),
    "/files/{id}/moves.html": ("page", ("GET",)),
    "/files/{id}/movers.csv": ("movers", ("GET",)),
}
"""Who moved since an earlier file; the address of the first is that of a run."""
_FROM_ROWS = ("group", "audience")
_FORM_TO_BUCKET: Paths = {"/files": ("form", ("GET",))}
_KEPT_IN_BUCKET = {path: how for path, how in _KEPT.items() if how[0] not in _FROM_ROWS}
"""Without what is read from rows: the files of S3 do not pass by this server."""


_JOBS: Paths = {
    "/v1/jobs": ("jobs", ("POST",)),
    "/v1/jobs/{id}": ("job", ("GET", "DELETE")),
    "/v1/jobs/{id}/outputs/{name}": ("output", ("GET",)),
}
"""The same for programs."""


class UploadRoutes:
    """The routes of whole files; what answers them is imported with the first one."""

    def __init__(
        self,
        live_model: LiveModel,
        settings: Settings,
        log: Log = logs.write,
        make_notices: "Callable[[], Notices] | None" = None,
        models: LiveModels | None = None,
        telemetry: "Telemetry | None" = None,
    ) -> None:
        """Nothing is loaded yet.

        Args:
            live_model: The model that answers.
            settings: What a server allows, and where the buckets are.
            log: Gets a line for each job that ends here.
            make_notices: Makes who is told of such jobs; by default nobody.
            models: All models by their names, for jobs whose address names one.
            telemetry: Takes figures and spans of files that are scored here; by default nobody.
        """
        self._models, self._telemetry = models, telemetry
        self.live_model, self.settings = live_model, settings
        self._log, self._make_notices = log, make_notices
        form, kept = (_FORM_TO_BUCKET, _KEPT_IN_BUCKET) if settings.buckets else (_FORM, _KEPT)
        moves = {} if settings.buckets else _MOVES
        self.routes = [
            *lazy_routes(lambda: self._uploads, form),
            *lazy_routes(lambda: self._moves, moves),
            *lazy_routes(lambda: self._uploads.kept, kept),
            *lazy_routes(lambda: self._jobs, _JOBS),
        ]

    def stop(self) -> None:
        """Give back what was taken: results on disk, or connections."""
        for made in ("_jobs", "_uploads"):
            if made in vars(self):
                getattr(self, made).stop()

    @property
    def _moves(self) -> "MovesPages":
        from functions.uploads.local_uploads import LocalUploads

        assert isinstance(self._uploads, LocalUploads)
        return self._uploads.moves

    @cached_property
    def _jobs(self) -> "LocalJobs | BucketJobs":
        if self.settings.buckets:
            from functions.uploads.bucket_uploads import BucketUploads
            from functions.uploads.jobs.bucket import BucketJobs

            assert isinstance(self._uploads, BucketUploads)
            return BucketJobs(self._uploads, self.settings)
        from functions.uploads.jobs.local import LocalJobs
        from functions.uploads.local_uploads import LocalUploads
        from pipeline.runs.notices import SILENT

        assert isinstance(self._uploads, LocalUploads)
        make_notices = self._make_notices or (lambda: SILENT)
        return LocalJobs(self._uploads, make_notices, self._log)

    @cached_property
    def _uploads(self) -> "LocalUploads | BucketUploads":
        if self.settings.buckets:
            from functions.uploads.bucket_uploads import BucketUploads

            public = self.settings.storage_public_url
            return BucketUploads(self.live_model, self.settings.buckets, public)
        from functions.telemetry import SILENT
        from functions.uploads.local_uploads import LocalUploads

        telemetry = self._telemetry or SILENT
        return LocalUploads(self.live_model, self.settings, self._models, telemetry)
