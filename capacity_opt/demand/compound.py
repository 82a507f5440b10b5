"""Compound Poisson demand: customers come at random and each asks for a random number of units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity_opt import _checks
from capacity_opt.demand.convolution import summed_rows
from capacity_opt.demand.lattice import Pmf
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]

# A recursion from exp(-rate) keeps its digits up to here; above, halves are convolved.
_LARGEST_RATE = 256.0
_NEGLIGIBLE = 1e-24
_BLOCK = 64


@dataclass(frozen=True, eq=False, init=False)
class CompoundPoisson(Pmf):
    """Poisson customers (``rate`` per period), each asking for a whole number of units, all independent.

    ``size``: probabilities of 0, 1, 2, ... units, (m,) or (n, m), or a mapping ``{units: probability}``.
    Panjer's recursion (1981): sums of positive terms only, so the far tail keeps its relative accuracy.

    >>> demand = CompoundPoisson(rate=15, size={1: 0.5, 2: 0.3, 3: 0.2})
    >>> float(demand.quantile(0.9)), round(float(demand.mean), 9)
    (35.0, 25.5)
    """

    rate: Array
    size: Array

    def __init__(self, rate: ArrayLike, size: ArrayLike | Mapping[int, float]) -> None:
        rates = _checks.non_negative("rate", rate)
        sizes = _checks.probabilities("size", _table(size) if isinstance(size, Mapping) else size)
        shape = np.broadcast_shapes(rates.shape, sizes.shape[:-1])
        rates = np.array(np.broadcast_to(rates, shape))
        sizes = np.array(np.broadcast_to(sizes, (*shape, sizes.shape[-1])))
        rows = _compound(rates.reshape(-1), sizes.reshape(-1, sizes.shape[-1]))
        self._set(rows.reshape(*shape, rows.shape[-1]), np.zeros(shape))
        object.__setattr__(self, "rate", rates)
        object.__setattr__(self, "size", sizes)

    def over(self, periods: ArrayLike) -> CompoundPoisson:
        """Demand over so many periods, whole or not: the rate grows, the sizes stay."""
        return CompoundPoisson(self.rate * _checks.non_negative("periods", periods), self.size)

    def take(self, items: NDArray[np.intp]) -> Self:
        """The demand of the chosen items only."""
        made = self.trusted(self.probabilities[items], self.start[items])
        object.__setattr__(made, "rate", self.rate[items])
        object.__setattr__(made, "size", self.size[items])
        return made


def _table(size: Mapping[int, float]) -> Array:
    if not size:
        raise ArgumentError("size must hold at least one {units: probability} entry, got none")
    units = _checks.whole("size's units", [float(key) for key in size])
    table = np.zeros(int(units.max()) + 1)
    np.add.at(table, units, np.array(list(size.values()), dtype=np.float64))
    return table


def _compound(rates: Array, sizes: Array) -> Array:
    """Rows of P(demand = k); each row is cut where it falls below any use, whatever the other rows do."""
    halvings = np.maximum(np.ceil(np.log2(np.maximum(rates, 1.0) / _LARGEST_RATE)), 0.0).astype(np.int64)
    parts = []
    for count in np.unique(halvings):
        items = np.flatnonzero(halvings == count)
        rows = _panjer(rates[items] / 2.0**count, sizes[items])
        parts.append((items, summed_rows(rows, 2 ** int(count))))
    table = np.zeros((len(rates), max((rows.shape[1] for _, rows in parts), default=1)))
    for items, rows in parts:
        table[items, : rows.shape[1]] = rows
    return table


def _panjer(rates: Array, sizes: Array) -> Array:
    """p[0] = exp(-rate (1 - f[0])); p[k] = rate / k * sum over j of j f[j] p[k - j]."""
    largest = sizes.shape[1] - 1
    units = np.arange(1, largest + 1)
    weights = (rates[:, None] * units * sizes[:, 1:])[:, ::-1]
    mean = np.cumsum(weights, axis=1)[:, -1] if largest else np.zeros(len(rates))
    table = np.zeros((len(rates), largest + _BLOCK))
    table[:, largest] = np.exp(-rates * (1.0 - sizes[:, 0]))
    open_rows = np.ones(len(rates), dtype=bool)
    done = 0
    while np.any(open_rows):
        table = np.concatenate([table, np.zeros((len(rates), _BLOCK))], axis=1)
        for k in range(done + 1, done + 1 + _BLOCK if largest else 0):
            window = np.cumsum(weights * table[:, k : k + largest], axis=1)
            table[:, largest + k] = np.where(open_rows, window[:, -1] / k, 0.0)
        done += _BLOCK
        recent = table[:, done + 1 : largest + done + 1].max(axis=1, initial=0.0)
        open_rows &= (done < mean) | (recent > _NEGLIGIBLE)
    return table[:, largest : largest + done + 1]
