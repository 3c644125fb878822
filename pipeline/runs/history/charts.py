"""Where the marks of a history's charts are, in per cent of their width and height."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.pages.scale import Scale, share_scale
from pipeline.runs.history.points import Point
from pipeline.runs.history.shares import Distance, Share
from pipeline.scoring.period import day_of
from pipeline.scoring.summary.verdict import MOVED, SHIFTED

_MARGIN = 3.0
"""Room at both ends of a chart, in per cent."""
_LEAST_APART = 14.0
"""Per cent between two labels of periods."""
Measure = Callable[[Point], Share | Distance | None]
Link = Callable[[Point], str | None]


@dataclass(frozen=True, slots=True)
class Mark:
    """One period's figure."""

    x: float
    y: float
    low: float
    high: float
    """The ends of its band; `low` lies further down."""
    period: str
    figure: Share | Distance
    link: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """The marks of one model, joined, and the band around them."""

    points: str
    band: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure over time."""

    kind: str
    """Its class on the page."""
    marks: Sequence[Mark]
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Level:
    """A share that training had, over the periods of its model; or a threshold over all."""

    left: float
    right: float
    y: float
    share: float


@dataclass(frozen=True, slots=True)
class TimeChart:
    """Figures over time."""

    curves: Sequence[Curve]
    ticks: Sequence[tuple[float, float]]
    """Value and height."""
    periods: Sequence[tuple[str, float, str]]
    """Label, position and anchor."""
    models: Sequence[tuple[float, str]]
    """Where a new model begins, and which."""
    levels: Sequence[Level] = ()

    @property
    def empty(self) -> bool:
        """Whether it shows no mark."""
        return not any(curve.marks for curve in self.curves)


@dataclass(frozen=True, slots=True)
class TimeLine:
    """Where each period stands."""

    points: Sequence[Point]
    positions: Sequence[float]

    @classmethod
    def of(cls, points: Sequence[Point]) -> "TimeLine":
        """By their dates: a month that is missing leaves a gap."""
        days = [day_of(point.entry["as_of"]).toordinal() for point in points]
        scale = Scale(min(days), max(days))
        room = 1 - 2 * _MARGIN / 100
        return cls(points, [round(_MARGIN + room * scale.at(day), 2) for day in days])

    @property
    def labels(self) -> list[tuple[str, float, str]]:
        """The first and the last period, and between them those that have room."""
        whole = all(point.entry["as_of"].endswith("-01") for point in self.points)
        texts = [point.entry["as_of"][: 7 if whole else 10] for point in self.points]
        kept = [0]
        for index in range(1, len(texts) - 1):
            apart = self.positions[index] - self.positions[kept[-1]]
            before_last = self.positions[-1] - self.positions[index]
            if apart >= _LEAST_APART and before_last >= _LEAST_APART:
                kept.append(index)
        if len(texts) > 1:
            kept.append(len(texts) - 1)
        ends = {kept[0]: "start", kept[-1]: "end"} if len(kept) > 1 else {}
        return [(texts[i], self.positions[i], ends.get(i, "middle")) for i in kept]

    @property
    def models(self) -> list[tuple[float, str]]:
        """The middle between the last period of a model and the first of the next."""
        return [
            (self.before(index), point.entry["model_version"])
            for index, point in enumerate(self.points)
            if point.new_model
        ]

    def before(self, index: int) -> float:
        """The middle between a period and the one before it."""
        return round((self.positions[index - 1] + self.positions[index]) / 2, 2)


def time_chart(
    line: TimeLine,
    measures: Sequence[tuple[str, Measure]],
    link: Link,
    training: Callable[[Point], float | None] = lambda point: None,
) -> TimeChart:
    """A chart of shares.

    Args:
        line: The periods.
        measures: The class of each curve, and what it shows of a period.
        link: Where a mark leads.
        training: The share that the model of a period had in training.
    """
    found = [(kind, [measure(point) for point in line.points]) for kind, measure in measures]
    levels = [training(point) for point in line.points]
    highest = [share.high for _, shares in found for share in shares if share]
    highest += [level for level in levels if level is not None]
    scale, ticks = share_scale(max(highest, default=0.0))
    height = partial(_height, scale)
    return TimeChart(
        [_curve(kind, shares, line, height, link) for kind, shares in found],
        [(value, round(100 - at, 2)) for value, at in ticks],
        line.labels,
        line.models,
        _levels(levels, line, height),
    )


def distance_chart(line: TimeLine, measure: Measure, link: Link) -> TimeChart:
    """A chart of how far a distribution is from training's, with the thresholds of its verdict.

    What is farther than twice the upper one is drawn at the edge.

    Args:
        line: The periods.
        measure: The distance in a period.
        link: Where a mark leads.
    """
    scale = Scale(0, 2 * SHIFTED)
    height = partial(_height, scale)
    curve = _curve("distance", [measure(point) for point in line.points], line, height, link)
    ticks = [(value, height(value)) for value in (0.0, MOVED, SHIFTED, 2 * SHIFTED)]
    levels = [Level(0, 100, height(value), value) for value in (MOVED, SHIFTED)]
    return TimeChart([curve], ticks, line.labels, line.models, levels)


def _height(scale: Scale, value: float) -> float:
    """From the top, in per cent."""
    return round(100 - scale.at(value), 2)


def _curve(
    kind: str,
    shares: Sequence[Share | Distance | None],
    line: TimeLine,
    height: Callable[[float], float],
    link: Link,
) -> Curve:
    marks, segments = list[Mark](), list[list[Mark]]()
    version = None
    for point, x, share in zip(line.points, line.positions, shares, strict=True):
        if share is None:
            continue
        mark = Mark(
            x, height(share.value), height(share.low), height(share.high),
            point.entry["as_of"], share, link(point),
        )  # fmt: skip
        marks.append(mark)
        if point.entry["model_version"] != version:
            segments.append([])
        version = point.entry["model_version"]
        segments[-1].append(mark)
    return Curve(kind, marks, [_line(segment) for segment in segments if len(segment) > 1])


def _line(marks: Sequence[Mark]) -> Line:
    upper = [f"{mark.x:g},{mark.high:g}" for mark in marks]
    lower = [f"{mark.x:g},{mark.low:g}" for mark in reversed(marks)]
    return Line(" ".join(f"{mark.x:g},{mark.y:g}" for mark in marks), " ".join([*upper, *lower]))


def _levels(
    shares: Sequence[float | None], line: TimeLine, height: Callable[[float], float]
) -> list[Level]:
    """One a model, from where it begins to where the next one does."""
    levels: list[Level] = []
    starts = [i for i, point in enumerate(line.points) if i == 0 or point.new_model]
    for start, end in zip(starts, [*starts[1:], len(line.points)], strict=True):
        share = shares[start]
        if share is None:
            continue
        left = 0.0 if start == 0 else line.before(start)
        right = 100.0 if end == len(line.points) else line.before(end)
        levels.append(Level(left, right, height(share), share))
    return levels
