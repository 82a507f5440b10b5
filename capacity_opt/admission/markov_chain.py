"""The exact long run of a small pool under critical levels: every combination of requests is a state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg

from capacity_opt.errors import SolverError

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The states of a pool and where each request or departure leads; levels only switch arrivals off.

    ``states``: requests in progress, (states, classes); ``used``: units, (states,); ``up[k]``: for each state the state
    with one more request of class k, -1 where it does not fit.
    """

    capacity: int
    rate: Array
    holding: Array
    size: Whole
    states: Whole
    used: Whole
    up: Whole

    def blocking(self, reservation: Whole) -> Array:
        """Share of requests turned away per class, exact for exponential holding times."""
        admitted = self.used + self.size[:, None] <= self.capacity - reservation[:, None]
        admitted &= self.up >= 0
        blocked: Array = np.minimum(~admitted @ self._long_run(admitted), 1.0)
        return blocked

    def _long_run(self, admitted: NDArray[np.bool_]) -> Array:
        """The stationary distribution: balance of every state but one, whose place the sum of all shares takes."""
        count = len(self.used)
        rows, columns, values = [], [], []
        leave = np.zeros(count)
        for k in range(len(self.rate)):
            low = np.flatnonzero(self.up[k] >= 0)
            high = self.up[k][low]
            arrive = np.where(admitted[k][low], self.rate[k], 0.0)
            depart = self.states[high, k] / self.holding[k]
            np.add.at(leave, low, arrive)
            np.add.at(leave, high, depart)
            rows += [high, low]
            columns += [low, high]
            values += [arrive, depart]
        flow = sparse.csc_array(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count)
        )
        balance = (flow - sparse.diags_array(leave)).tocsr()
        system = sparse.vstack([sparse.csr_array(np.ones((1, count))), balance[1:]]).tocsc()
        share = np.atleast_1d(linalg.spsolve(system, np.eye(1, count).ravel()))
        error = float(np.abs(balance @ share).max())
        if not (error <= TOLERANCE * float(leave.max(initial=1.0)) and share.min() >= -TOLERANCE):
            raise SolverError(f"the balance of the pool's states was solved only to {error:.1e}")
        kept: Array = np.maximum(share, 0.0)
        kept /= kept.sum()
        return kept


def build_chain(capacity: int, rate: Array, holding: Array, size: Whole, *, most_states: int) -> Chain | None:
    """The chain, or ``None`` where it has more than ``most_states`` states."""
    states = np.zeros((1, 0), dtype=np.int64)
    used = np.zeros(1, dtype=np.int64)
    for k, units in enumerate(size):
        room = (capacity - used) // units if rate[k] > 0 else np.zeros_like(used)
        if int((room + 1).sum()) > most_states:
            return None
        index = np.repeat(np.arange(len(used)), room + 1)
        own = np.arange(len(index)) - np.repeat(np.cumsum(room + 1) - room - 1, room + 1)
        states = np.column_stack([states[index], own])
        used = used[index] + own * units
    place = {state: i for i, state in enumerate(map(tuple, states.tolist()))}
    up = np.full((len(size), len(used)), -1, dtype=np.int64)
    for k in range(len(size)):
        more = states.copy()
        more[:, k] += 1
        up[k] = [place.get(state, -1) for state in map(tuple, more.tolist())]
    return Chain(capacity=capacity, rate=rate, holding=holding, size=size, states=states, used=used, up=up)
