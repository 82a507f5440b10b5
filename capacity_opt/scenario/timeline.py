"""The periods of a scenario: their labels, the dates that name them, and durations in periods."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import Literal

PeriodUnit = Literal["hour", "day", "week", "month", "quarter", "year"]

PERIODS_PER_YEAR: dict[str, float] = {
    "hour": 8766.0,
    "day": 365.25,
    "week": 365.25 / 7,
    "month": 12.0,
    "quarter": 4.0,
    "year": 1.0,
}
NEARLY_WHOLE = 0.05
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.0*)?")
_SLASHED = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}/\d{1,2}/\d{1,2}")
_EXCEL_EPOCH = dt.date(1899, 12, 30)


class PeriodError(ValueError):
    """A cell names no period; ``code``, the rule and the likely fix."""

    def __init__(self, code: str, rule: str, fix: str) -> None:
        super().__init__(rule)
        self.code, self.rule, self.fix = code, rule, fix


@dataclass(frozen=True)
class Timeline:
    """``count`` periods of one ``unit`` from ``start`` (``None``: periods are only numbered, from 1)."""

    unit: PeriodUnit
    count: int
    start: dt.datetime | None = None
    time_zone: str = "UTC"

    @property
    def labels(self) -> tuple[str, ...]:
        """One label per period: the ISO date (and time, for hours) it starts at, or its number."""
        if self.start is None:
            return tuple(str(index + 1) for index in range(self.count))
        return tuple(self._label(self._begin(index)) for index in range(self.count))

    def begins(self, index: int) -> dt.datetime | None:
        """When period ``index`` (from 0; ``count`` is the end of the horizon) begins."""
        return None if self.start is None else self._begin(index)

    @property
    def per_year(self) -> float:
        """Periods in a year."""
        return PERIODS_PER_YEAR[self.unit]

    def rate(self, yearly: float) -> float:
        """A yearly compound rate per period."""
        return float((1.0 + yearly) ** (1.0 / self.per_year) - 1.0)

    def periods(self, value: float, unit: str) -> float:
        """A duration in periods; within 5 % of a whole number it is that number (30 days are a month)."""
        if unit == "period":
            return value
        exact = value * self.per_year / PERIODS_PER_YEAR[unit]
        nearest = round(exact)
        return float(nearest) if nearest and abs(exact / nearest - 1) <= NEARLY_WHOLE else exact

    def index(self, text: str) -> int:
        """Which period (from 0) a cell names: its label, its number from 1, or a shorter form of its date."""
        clean = text.strip()
        if _NUMBER.fullmatch(clean) and not (self.start and self.unit == "year" and len(clean) == 4):
            return self._numbered(clean)
        if self.start is None:
            raise PeriodError("E228", "names no period", f"Write a number from 1 to {self.count}")
        moment = self._moment(clean)
        for index in range(self.count):
            if self._begin(index) == moment:
                return index
        raise PeriodError("E228", "is not the start of a period of the horizon", f"Have {self._told()}")

    def _told(self) -> str:
        labels = self.labels
        return labels[0] if len(labels) == 1 else f"{labels[0]}, {labels[1]} ... {labels[-1]}"

    def _numbered(self, clean: str) -> int:
        number = int(float(clean))
        if 1 <= number <= self.count:
            return number - 1
        if self.start is not None and 20_000 < number < 80_000:
            date = _EXCEL_EPOCH + dt.timedelta(days=number)
            raise PeriodError("E225", f"looks like an Excel serial ({date})", f"Write {date}")
        raise PeriodError("E228", f"must be a period from 1 to {self.count}", f"Have {self._told()}")

    def _moment(self, clean: str) -> dt.datetime:
        if _SLASHED.fullmatch(clean) and not re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", clean):
            readings = _readings(clean)
            if " or " in readings:
                raise PeriodError("E226", f"is ambiguous ({readings})", "Use YYYY-MM-DD")
            raise PeriodError("E226", f"is not written YYYY-MM-DD (it may mean {readings})", "Use YYYY-MM-DD")
        week = re.fullmatch(r"(\d{4})-W(\d{2})", clean)
        try:
            if week:
                return dt.datetime.combine(dt.date.fromisocalendar(int(week[1]), int(week[2]), 1), dt.time())
            padded = {4: f"{clean}-01-01", 7: f"{clean}-01"}.get(len(clean), clean)
            moment = dt.datetime.fromisoformat(padded)
        except ValueError:
            raise PeriodError("E228", "is not a date", "Use YYYY-MM-DD") from None
        return self._local(moment)

    def _local(self, moment: dt.datetime) -> dt.datetime:
        """A moment with an offset, in the scenario's own time."""
        if moment.tzinfo is None:
            return moment
        from zoneinfo import ZoneInfo

        zone = dt.UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)
        here = moment.astimezone(zone).replace(tzinfo=None)
        if self.start is not None and here not in {self._begin(index) for index in range(self.count)}:
            rule = f"is {here:%Y-%m-%d %H:%M} in {self.time_zone}, which begins no period"
            raise PeriodError("E228", rule, "Write local dates without an offset, or set [time] time_zone")
        return here

    def _begin(self, index: int) -> dt.datetime:
        start = self.start
        assert start is not None
        if self.unit in ("hour", "day", "week"):
            return start + index * dt.timedelta(hours={"hour": 1, "day": 24, "week": 168}[self.unit])
        months = index * {"month": 1, "quarter": 3, "year": 12}[self.unit]
        year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
        return start.replace(year=year, month=month + 1)

    def _label(self, moment: dt.datetime) -> str:
        return moment.isoformat(timespec="minutes") if self.unit == "hour" else moment.date().isoformat()


def whole_periods(value: float) -> int:
    """Rounded up to whole periods (a delivery within a period serves from the next one on)."""
    return math.ceil(value - 1e-9)


def _readings(clean: str) -> str:
    first, second, year = re.split(r"[/.-]", clean)
    if len(first) == 4:
        return "year first, with slashes"
    names = [dt.date(2000, month, 1).strftime("%B") for month in range(1, 13)]
    readings = []
    if 1 <= int(second) <= 12:
        readings.append(f"{int(first)} {names[int(second) - 1]} {year}")
    if 1 <= int(first) <= 12 and first != second:
        readings.append(f"{int(second)} {names[int(first) - 1]} {year}")
    return " or ".join(readings) or "no such date"
