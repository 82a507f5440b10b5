"""Instants to the numbers of periods on a calendar, for whole columns."""

from __future__ import annotations

import re
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import ArgumentError
from capacity_opt.forecast.history import PeriodCalendar, PeriodName

IntArray = NDArray[np.int64]
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
_PERIOD = re.compile(r"(\d+)?\s*([a-z]+?)s?")
_SHORT: dict[str, PeriodName] = {"min": "minute", "sec": "second", "h": "hour", "d": "day", "w": "week"}


def calendar_of(text: str, time_zone: str = "UTC") -> PeriodCalendar:
    """A calendar without start from text such as ``hour``, ``5min``, ``15 minutes`` or ``step``.

    >>> calendar_of("5min").unit, calendar_of("5min").every
    ('minute', 5)
    """
    found = _PERIOD.fullmatch(text.strip().lower())
    name = _SHORT.get(found[2], found[2]) if found else ""
    names = get_args(PeriodName)
    if not found or name not in names:
        raise ArgumentError(f"period must be one of {', '.join(names)}, or like 5min, got {text!r}")
    unit: PeriodName = names[names.index(name)]
    _known_zone(time_zone)
    return PeriodCalendar(unit, int(found[1] or 1), time_zone=time_zone)


def _known_zone(name: str) -> None:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # unknown, a folder, no name at all
        raise ArgumentError(f"time_zone must be a zone such as UTC or Europe/Berlin, got {name!r}") from error


def floor_to_period(moment: Any, calendar: PeriodCalendar) -> Any:
    """The natural start of the period that holds ``moment``: a full hour, midnight, Monday, the first of a month."""
    if calendar.unit in MONTHS:
        step = MONTHS[calendar.unit] * calendar.every
        month = moment.astype("datetime64[M]").astype(np.int64)
        return np.datetime64(int(month // step * step), "M").astype("datetime64[s]")
    step = SECONDS[calendar.unit] * calendar.every
    second = int(moment.astype("datetime64[s]").astype(np.int64))
    monday = 4 * 86400 if calendar.unit == "week" else 0
    return np.datetime64((second - monday) // step * step + monday, "s")


def period_numbers(moments: NDArray[np.datetime64], calendar: PeriodCalendar) -> tuple[IntArray, NDArray[np.bool_]]:
    """(k,) the period that holds each moment (in the calendar's zone), counted from its start; and where a moment is
    not the start of its period."""
    assert calendar.start is not None
    if calendar.unit in MONTHS:
        months = moments.astype("datetime64[M]")
        since = months.astype(np.int64) - calendar.start.astype("datetime64[M]").astype(np.int64)
        step = MONTHS[calendar.unit] * calendar.every
        return since // step, (since % step != 0) | (moments != months)
    fine = moments.astype("datetime64[us]").astype(np.int64) - calendar.start.astype("datetime64[us]").astype(np.int64)
    step = SECONDS[calendar.unit] * calendar.every * 1_000_000
    return fine // step, fine % step != 0


def period_starts(numbers: IntArray, calendar: PeriodCalendar) -> Any:
    """(k,) when periods begin: instants, or their numbers where the calendar has no start."""
    if calendar.start is None:
        return numbers
    if calendar.unit in MONTHS:
        months = calendar.start.astype("datetime64[M]") + numbers * MONTHS[calendar.unit] * calendar.every
        return months.astype("datetime64[s]")
    step = SECONDS[calendar.unit] * calendar.every
    return calendar.start.astype("datetime64[s]") + (numbers * step).astype("timedelta64[s]")
