"""Where ordered servers stand: racks, rows, and what is left. Index letters: f rack type, w row, k type, z zone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class RackTypes:
    """Empty racks that can be put up: ``rack_units`` and ``power_kw`` (F,) each holds; ``price`` (F,) money each."""

    names: tuple[str, ...]
    rack_units: Array
    power_kw: Array
    price: Array

    def __post_init__(self) -> None:
        """Check lengths and signs."""
        _checks.same_length(names=self.names, rack_units=self.rack_units, power_kw=self.power_kw, price=self.price)
        _checks.positive("rack_units", self.rack_units)
        _checks.positive("power_kw", self.power_kw)
        _checks.non_negative("price", self.price)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of rack positions: ``zone`` (W,) index of each row's zone; ``positions`` (W,) free for a rack; ``power_kw``
    (W,) free on the row's feed."""

    names: tuple[str, ...]
    zone: IntArray
    positions: IntArray
    power_kw: Array

    def __post_init__(self) -> None:
        """Check lengths and signs."""
        _checks.same_length(names=self.names, zone=self.zone, positions=self.positions, power_kw=self.power_kw)
        _checks.whole("positions", self.positions)
        _checks.non_negative("power_kw", self.power_kw)


@dataclass(frozen=True, kw_only=True)
class Room:
    """Where servers can stand and by which rules.

    ``whole_racks``: an order's lot comes assembled and stands in one rack of its own; otherwise servers are racked one
    by one and types may share a rack. ``largest_row_share``: no row holds more than this share of a zone's servers of
    a type (rounded up), so that a lost row does not take them all.
    """

    rack_types: RackTypes
    rows: Rows
    whole_racks: bool = True
    largest_row_share: float = 1.0

    def __post_init__(self) -> None:
        """Check the share."""
        _checks.share("largest_row_share", self.largest_row_share)
        if self.largest_row_share == 0:
            raise ArgumentError("largest_row_share must be above 0, got 0. For no rule write 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedRack:
    """One rack: where it stands and how many servers of each type it holds."""

    zone: str
    row: str
    rack_type: str
    servers: tuple[tuple[str, int], ...]
    rack_units: float
    power_kw: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedRow:
    """What a row holds and what is left of it.

    ``stranded_kw``: free power that no further rack could draw, even a full one in every free position;
    ``stranded_positions``: free positions for which the row has no power left for even the smallest thing to place.
    """

    zone: str
    row: str
    racks: int
    free_positions: int
    used_kw: float
    free_kw: float
    stranded_kw: float
    stranded_positions: int


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where everything stands. ``unplaced`` (K, Z) servers that fit nowhere; ``status`` is ``"optimal"`` where the
    fewest unplaced servers, then the cheapest racks, then the least stranded power are proven, else ``"feasible"``;
    ``mixing``: ``"whole"`` racks as ordered, ``"any"`` mix of types, ``"pairs"`` at most two types per rack (used where
    there are too many mixes to list)."""

    racks: tuple[PlacedRack, ...]
    rows: tuple[PlacedRow, ...]
    unplaced: IntArray
    status: str
    mixing: str
    rack_price: float
    seconds: float
    solver: str = ""
    warnings: tuple[str, ...] = field(default=())

    @property
    def stranded_kw(self) -> float:
        """Stranded power over all rows."""
        return float(sum(row.stranded_kw for row in self.rows))
