"""The record that is kept per series, and the tables of gains that every update looks up.

A record is ``width`` float32 words: 64 bytes without a season, one word more per season index (rounded up to 32 bytes).

====  ============================================================================================
word  meaning
====  ============================================================================================
0, 1  level and trend of a damped-trend exponential smoothing
2     spread: exponentially weighted mean of the absolute one-step error
3, 4  cumulative sums of the standardised error, upward and downward (drift)
5     last period taken up (int32)
6     which of the last 32 periods were seen, one bit each (int32)
7     observations so far, and in the top byte the smoothing profile (int32)
8-15  quantile trackers of the standardised error, one per level
16-   season indices
====  ============================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

LEVEL, TREND, SPREAD, RISE, FALL, LAST, SEEN, COUNT, TRACKERS, SEASONS = 0, 1, 2, 3, 4, 5, 6, 7, 8, 16
MOST_LEVELS = SEASONS - TRACKERS
BLOCK = 1 << 16
"""Series per block."""
NEVER = -1
"""``last`` of a series without observations."""
PROFILES: tuple[tuple[float, float, float, float], ...] = (
    (0.02, 0.0, 0.0, 0.05),
    (0.05, 0.0, 0.0, 0.05),
    (0.1, 0.0, 0.0, 0.1),
    (0.2, 0.0, 0.0, 0.1),
    (0.4, 0.0, 0.0, 0.1),
    (0.8, 0.0, 0.0, 0.1),
    (0.1, 0.1, 0.98, 0.1),
    (0.4, 0.2, 0.9, 0.1),
)
"""(level gain, trend gain, damping, season gain) once warmed up; a series follows the one that backtests best."""
DEFAULT_PROFILE = 3
DEFAULT_LEVELS = (0.025, 0.05, 0.1, 0.5, 0.9, 0.95, 0.975, 0.99)
COUNT_BITS = 24
MOST_COUNTED = (1 << COUNT_BITS) - 1
LONGEST_GAP = 64
WARM = 1024
CYCLES = 64
CACHE_LINE = 64
"""Bytes."""
GAIN, TREND_GAIN, SPREAD_GAIN, STEP, SEASON_GAIN = 0, WARM, 2 * WARM, 3 * WARM, 4 * WARM
REACH = SEASON_GAIN + CYCLES
FADE, SHRINK = REACH + LONGEST_GAP + 1, REACH + 2 * (LONGEST_GAP + 1)
"""Columns of :func:`gains`: of the level, trend, spread and trackers by c; of the season by full seasons seen; how many
trends lie between the level and period h, what is then left of the trend, and one over how much wider
the error is."""
_STEP, _FIRST_STEP = 0.12, 1.0


@dataclass(frozen=True)
class StreamSettings:
    """What a stream of forecasts keeps: up to eight ``levels``, the ``season_length`` (1: none), how fast it forgets.

    ``spread_gain``: weight of the newest error in the spread. ``drift_slack`` and ``drift_limit``: a series is flagged
    while the cumulative sum of its standardised errors, less the slack each, exceeds the limit (both in mean absolute
    errors; CUSUM of Page 1954). ``non_negative``: demand cannot be below 0, so no quantile is.

    >>> StreamSettings(levels=(0.1, 0.5, 0.9), season_length=7).width
    24
    """

    levels: Sequence[float] = DEFAULT_LEVELS
    season_length: int = 1
    spread_gain: float = 0.03
    drift_slack: float = 0.6
    drift_limit: float = 12.0
    non_negative: bool = True

    def __post_init__(self) -> None:
        levels = _checks.increasing("levels", _checks.fraction("levels", list(self.levels)))
        if not 1 <= levels.size <= MOST_LEVELS:
            raise ArgumentError(f"levels must hold 1 to {MOST_LEVELS} levels, got {levels.size}")
        _checks.whole("season_length", self.season_length, at_least=1)
        _checks.fraction("spread_gain", self.spread_gain)
        _checks.positive("drift_limit", self.drift_limit)
        _checks.non_negative("drift_slack", self.drift_slack)
        object.__setattr__(self, "levels", tuple(float(level) for level in levels))

    @property
    def width(self) -> int:
        """Words per series."""
        return SEASONS + (-(-self.season_length // 8) * 8 if self.season_length > 1 else 0)


class Rules(NamedTuple):
    """What every record obeys: the trackers' levels, and the drift sums' slack and cap."""

    above: Floats
    slack: np.float32
    cap: np.float32


def gains(settings: StreamSettings) -> Floats:
    """(profiles, columns): what an update looks up, by the offsets above; ``c`` observations so far, ``h`` periods
    ahead. Gains are running means until the final ones are reached; nothing is learned from the first season's errors.
    """
    count, season = np.arange(WARM), settings.season_length
    level, beta, _, gamma = np.array(PROFILES).T[:, :, None]
    # the first season is kept as it is, relative to the first observation; the level averages from then on
    begun = count - season if season > 1 else count - 1
    gain = np.where((count > 0) & (begun < 0), 0.0, np.maximum(level, 1.0 / (np.maximum(begun, -1) + 2.0)))
    trend = np.where(count > season, gain * beta, 0.0)
    later = (1.0 - level) * np.maximum(gamma, 1.0 / np.arange(2, CYCLES))
    seasons = np.concatenate([np.zeros_like(level), np.ones_like(level), later], axis=1)
    learned = np.maximum(count - season, 0)
    spread = np.where(learned > 0, np.maximum(settings.spread_gain, 1.0 / np.maximum(learned, 1)), 0.0)
    step = np.where(learned > 1, np.maximum(_STEP, _FIRST_STEP / np.maximum(learned, 1) ** 0.6), 0.0)
    columns = (gain, trend, spread + 0.0 * level, step + 0.0 * level, seasons, *damping(LONGEST_GAP),
               1.0 / error_growth(LONGEST_GAP, season))  # fmt: skip
    return np.ascontiguousarray(np.concatenate(columns, axis=1), dtype=np.float32)


def rules(settings: StreamSettings) -> Rules:
    """The rules of ``settings``; unused trackers follow the median."""
    above = (*settings.levels, *[0.5] * (MOST_LEVELS - len(settings.levels)))
    return Rules(
        np.array(above, dtype=np.float32),
        slack=np.float32(settings.drift_slack),
        cap=np.float32(4.0 * settings.drift_limit),
    )


def damping(furthest: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(profiles, furthest + 1): sum of the first h powers of the damping, and its h-th power."""
    phi = np.array([p[2] for p in PROFILES])[:, None]
    powers = phi ** np.arange(furthest + 1)
    sums = np.concatenate([np.zeros((len(PROFILES), 1)), np.cumsum(powers[:, 1:], axis=1)], axis=1)
    return sums, np.asarray(powers, dtype=np.float64)


def impact(furthest: int, season_length: int) -> NDArray[np.float64]:
    """(profiles, furthest + 1): what an error of 1 now adds to the forecast of period h (Hyndman et al. 2008)."""
    reach, _ = damping(furthest)
    gain = np.array([p[0] for p in PROFILES])[:, None]
    beta = np.array([p[1] for p in PROFILES])[:, None]
    gamma = np.array([p[3] for p in PROFILES])[:, None] * (1.0 - gain)
    same = (np.arange(furthest + 1) % season_length == 0) & (season_length > 1)
    return np.asarray(gain * (1.0 + beta * reach) + gamma * same)


def error_growth(furthest: int, season_length: int) -> NDArray[np.float64]:
    """(profiles, furthest + 1): standard deviation of the error h periods ahead, in one-step ones; 1 at h = 0 and 1."""
    earlier = np.cumsum(impact(furthest, season_length) ** 2, axis=1)
    growth = np.ones_like(earlier)
    growth[:, 2:] = np.sqrt(1.0 + earlier[:, 1:-1] - earlier[:, :1])
    return growth


def aligned(count: int, width: int) -> Floats:
    """(count, width) zeros that begin on a cache line, so that no record of 64 bytes lies on two."""
    words = np.zeros(count * width + CACHE_LINE // 4, dtype=np.float32)
    begin = -words.ctypes.data % CACHE_LINE // 4
    return words[begin : begin + count * width].reshape(count, width)


def joined(parts: Sequence[Floats], width: int) -> Floats:
    """The records of ``parts`` in one array, aligned."""
    records, begin = aligned(sum(map(len, parts)), width), 0
    for part in parts:
        records[begin : begin + len(part)] = part
        begin += len(part)
    return records


def fresh(count: int, settings: StreamSettings, profile: int = DEFAULT_PROFILE) -> Floats:
    """(count, width) records of series nobody has observed yet; trackers start at a normal's quantiles."""
    records = aligned(count, settings.width)
    whole = records.view(np.int32)
    whole[:, LAST] = NEVER
    whole[:, COUNT] = profile << COUNT_BITS
    mean_absolute = np.sqrt(2.0 / np.pi)
    records[:, TRACKERS : TRACKERS + len(settings.levels)] = ndtri(np.array(settings.levels)) / mean_absolute
    return records
