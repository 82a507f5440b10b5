"""Engset's loss formula: few sources, each asking only while it holds nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Engset:
    """Three congestions, each of the broadcast shape.

    ``time_congestion``: share of time all servers are busy; ``call_congestion``: share of requests lost;
    ``traffic_congestion``: share of the load lost, relative to sources that never meet a busy system.
    """

    time_congestion: Array
    call_congestion: Array
    traffic_congestion: Array


def engset(sources: ArrayLike, servers: ArrayLike, *, load_per_idle_source: ArrayLike) -> Engset:
    """Loss of a finite number of sources on ``servers``; ``load_per_idle_source`` = request rate x holding time.

    ``sources`` and ``servers`` are whole numbers. As sources grow at a constant total load this becomes Erlang B.
    Source: T. Engset, 1918; names as in ITU-T Handbook Teletraffic Engineering.

    >>> told = engset(4, 3, load_per_idle_source=1 / 3)
    >>> round(float(told.time_congestion), 10), round(float(told.call_congestion), 10)
    (0.0470588235, 0.015625)
    """
    many = _checks.whole("sources", sources)
    size = _checks.whole("servers", servers)
    beta = _checks.non_negative("load_per_idle_source", load_per_idle_source)
    _, all_ = _checks.broadcast(sources=many, servers=size, load_per_idle_source=beta)
    many_, size_, beta = all_["sources"], all_["servers"], all_["load_per_idle_source"]
    time = _busy(many_, size_, beta)
    call = _busy(np.maximum(many_ - 1.0, 0.0), size_, beta)
    idle_share = np.maximum(many_ - size_, 0.0) / np.maximum(many_, 1.0)
    return Engset(
        time_congestion=time[()],
        call_congestion=np.where(many_ > 0, call, 0.0)[()],
        traffic_congestion=(time * idle_share)[()],
    )


def _busy(sources: Array, servers: Array, beta: Array) -> Array:
    """P(all servers busy), by E(n) = (S - n + 1) b E(n - 1) / (n + (S - n + 1) b E(n - 1)): every term positive."""
    busy = np.ones(sources.shape)
    for n in range(1, int(servers.max(initial=0)) + 1):
        offered = np.maximum(sources - n + 1, 0.0) * beta * busy
        busy = np.where(n <= servers, offered / (n + offered), busy)
    return busy
