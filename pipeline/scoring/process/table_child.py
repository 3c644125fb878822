"""The process that scores tables for programs that wait for them: see `isolated` and `table`."""

from pipeline.scoring.process.child import main
from pipeline.scoring.spec import FileEngine


def _engine() -> FileEngine:
    from pipeline.scoring.table import score_table

    return score_table


if __name__ == "__main__":
    main(_engine)
