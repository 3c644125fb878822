"""A real cluster of separate processes gives what one machine gives, whoever dies."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.cluster import Cluster
from pipeline.model.cluster_model import ClusterModel
from pipeline.scoring.parts.part import PartResult, PartTask
from pipeline.scoring.parts.part_plan import Part
from pipeline.scoring.parts.spark import OnSpark
from tests.pipeline.scoring.parts.test_distributed import HEADER, TEXTS, customers, multiline
from tests.support.comparing import assert_same

Write = Callable[..., Path]


def test_text_on_a_cluster(
    on_cluster: OnSpark, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    for number, kind in enumerate(("wrong fields", "quotes astray", "semicolons")):
        path = write(TEXTS[kind], f"{number}.csv")
        assert_same(path, model, tmp_path / str(number), run=on_cluster, part_bytes=700)


def test_a_worker_killed_in_the_middle_of_a_job(
    cluster: Cluster, on_cluster: OnSpark, model: ClusterModel, write: Write, tmp_path: Path
) -> None:
    """It is killed with its executor when some parts are done; the other does the rest."""
    killed = threading.Event()

    def run(task: PartTask, parts: Sequence[Part]) -> list[PartResult]:
        def kill_when_some_are_done() -> None:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                if len(task.target.names("working")) > 4:
                    cluster.kill_worker(0)
                    killed.set()
                    return
                time.sleep(0.005)

        killer = threading.Thread(target=kill_when_some_are_done)
        killer.start()
        done = on_cluster(task, parts)
        killer.join()
        return done

    path = write(f"{HEADER}\n{customers(60_000, multiline)}")
    found = assert_same(path, model, tmp_path, run=run, part_bytes=60_000)
    assert killed.is_set()
    assert found["rows_in"] == 60_000
    assert cluster.workers[0].poll() is not None
