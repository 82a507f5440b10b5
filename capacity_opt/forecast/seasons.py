"""Which season a panel of unknown frequency has: a vote of its series' autocorrelations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_VOTERS = 200
_LONGEST = 400
_NEEDED = 0.3


def find_season(values: Array, offsets: NDArray[np.int64]) -> tuple[int, ...]:
    """The season length that most series' differences repeat with, where at least a third agree; else none.

    A series votes for the lag of its highest autocorrelation that tops both neighbours, 0.3 and what chance would
    give (3 / sqrt(length)); it must have seen the cycle three times.

    >>> wave = np.tile([0.0, 3.0, 1.0, 7.0, 2.0], 12) + np.arange(60)
    >>> find_season(wave, np.array([0, 60]))
    (5,)
    """
    count = len(offsets) - 1
    chosen = np.unique(np.linspace(0, count - 1, min(count, _VOTERS)).astype(np.int64))
    votes = [_vote(values[offsets[i] : offsets[i + 1]][-4 * _LONGEST :]) for i in chosen]
    lags, tally = np.unique([vote for vote in votes if vote], return_counts=True)
    if len(lags) == 0 or tally.max() * 3 < len(votes):
        return ()
    return (int(lags[tally.argmax()]),)


def _vote(series: Array) -> int:
    steps = np.diff(series)
    longest = min(len(steps) // 3, _LONGEST)
    if longest < 3:
        return 0
    centred = steps - steps.mean()
    power = np.abs(np.fft.rfft(centred, 2 * len(centred))) ** 2
    covariance = np.fft.irfft(power)[: longest + 2]
    if covariance[0] <= 1e-12 * max(float(np.max(np.abs(series))), 1e-300) ** 2:
        return 0
    correlation = covariance / covariance[0]
    lag = np.arange(2, longest + 1)
    here = correlation[lag]
    peak = (here > correlation[lag - 1]) & (here > correlation[lag + 1])
    peak &= here > max(_NEEDED, 3.0 / np.sqrt(len(steps)))
    if not peak.any():
        return 0
    # the shortest lag nearly as good as the best: a multiple of the season repeats as well as the season
    good = lag[peak & (here >= 0.85 * here[peak].max())]
    return int(good[0])
