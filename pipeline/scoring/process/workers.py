"""Several processes of this machine, each of which scores part after part of one file."""

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from pipeline.reading.options import WrongOption
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.parts.part import PartResult, PartTask
from pipeline.scoring.parts.part_plan import PART_BYTES, CannotSplit, Part
from pipeline.scoring.process.isolated import POLL_SECONDS, Isolated
from pipeline.scoring.process.limits import LEAST_MEMORY, MOST_MEMORY, machine_memory
from pipeline.scoring.spec import Progress, ScoringSpec


class Workers:
    """Runs parts, as `pipeline.scoring.parts.distributed.Runner`, in processes."""

    def __init__(
        self,
        jobs: int,
        folder: Path,
        source: InputFile,
        spec: ScoringSpec,
        progress: Progress = lambda rows: None,
        part_bytes: int = PART_BYTES,
    ) -> None:
        """Prepare the processes, which start with the first parts.

        Args:
            jobs: How many there are.
            folder: Where the files of the parts go.
            source: The file.
            spec: What it is scored with.
            progress: Called with the number of rows scored so far; what it raises ends them all.
            part_bytes: How large parts are, about.

        Raises:
            WrongOption: The machine has too little memory for so many.
        """
        self._folder, self._source, self._spec = folder, source, spec
        self._progress, self._part_bytes = progress, part_bytes
        self._rows: dict[int, int] = {}
        memory = machine_memory()
        if jobs > 1 and jobs * LEAST_MEMORY > memory:
            most, each, there = max(1, memory // LEAST_MEMORY), LEAST_MEMORY >> 20, memory >> 20
            expected = f"at most {most} (each may take {each:,} of {there:,} MiB of memory)"
            raise WrongOption("jobs", expected, str(jobs))
        bound = min(MOST_MEMORY, max(LEAST_MEMORY, memory // (2 * jobs)))
        self._all = [Isolated(bound, advice="use fewer --jobs") for _ in range(jobs)]
        self._idle: SimpleQueue[Isolated] = SimpleQueue()
        for worker in self._all:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        for worker in self._all:
            worker.close()

    def __call__(self, task: PartTask, parts: Sequence[Part]) -> list[PartResult]:
        """What came of the parts.

        Raises:
            CannotSplit: A part refuses the file, which does not know where in the file it is.
        """
        pool = ThreadPoolExecutor(min(len(self._all), len(parts)), "parts")
        try:
            futures = [pool.submit(self._score, part) for part in parts]
            waiting = set(futures)
            while waiting:
                done, waiting = wait(waiting, POLL_SECONDS, FIRST_EXCEPTION)
                for result in (future.result() for future in done):
                    if result.refused:
                        raise CannotSplit(self._source.path, result.refused)
                    self._rows[result.index] = result.rows
                self._progress(sum(self._rows.values()))
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            self.__exit__()  # which ends what the threads wait for
            raise
        finally:
            pool.shutdown()

    def _score(self, part: Part) -> PartResult:
        worker = self._idle.get()
        try:
            fields = worker.score_part(
                self._folder, self._source, self._spec, asdict(part), self._part_bytes
            )
        finally:
            self._idle.put(worker)
        return PartResult(**fields)
