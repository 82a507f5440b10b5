"""A fleet model without costs, with a priced slack on each requirement: what must give way, and how little suffices."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.fleet.arrays import Block
from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]

NOTICEABLE = 1e-6


@dataclass(frozen=True, slots=True)
class Slack:
    """One slack column: the block and the labels of the row it relaxes, and the size its amount is compared with."""

    block: str
    parts: tuple[str, ...]
    size: float

    @property
    def label(self) -> str:
        """``block[label,label,...]``, as the model names the row."""
        return f"{self.block}[{','.join(self.parts)}]" if self.parts else self.block


def elastic(
    model: FleetModel, blocks: dict[str, Block], *, order_limit: bool = False, whole: bool = False
) -> tuple[LinearProgram, list[Slack]]:
    """The program without costs, continuous unless ``whole``, with priced slack on the rows of ``blocks`` (and, if
    asked, on the limits of orders). A slack costs one per its natural size; promises of critical classes cost more."""
    lp = model.lp
    rows, signs, slacks = _row_slacks(lp, blocks)
    price = [_urgency(model, slack) / slack.size for slack in slacks]
    extra = sparse.coo_array((signs, (rows, np.arange(len(rows)))), shape=(lp.rows, len(rows)))
    parts = [lp.matrix, sparse.csr_array(extra)]
    if order_limit:
        named = [(i, of) for i, of in members(model.column_blocks["racks"]) if np.isfinite(lp.column_upper[i])]
        limited = np.array([i for i, _ in named], dtype=np.int64)
        parts.append(sparse.csr_array(lp.matrix[:, limited]))
        more = [Slack("order_limit", of, max(1.0, float(lp.column_upper[i]))) for i, of in named]
        slacks += more
        price += [1.0 / slack.size for slack in more]
    added = len(slacks)
    return replace(
        lp,
        cost=np.concatenate([np.zeros(lp.columns), np.asarray(price)]),
        matrix=sparse.csr_array(sparse.hstack(parts, format="csr")),
        column_lower=np.concatenate([lp.column_lower, np.zeros(added)]),
        column_upper=np.concatenate([lp.column_upper, np.full(added, np.inf)]),
        integer=np.concatenate([lp.integer & whole, np.zeros(added, dtype=bool)]),
        offset=0.0,
    ), slacks


def _row_slacks(lp: LinearProgram, blocks: dict[str, Block]) -> tuple[list[int], list[float], list[Slack]]:
    """Row, sign and name of a slack for every finite bound of the blocks' rows."""
    rows: list[int] = []
    signs: list[float] = []
    slacks: list[Slack] = []
    for name, block in blocks.items():
        for row, parts in members(block):
            for sign, bound in ((1.0, lp.row_lower[row]), (-1.0, lp.row_upper[row])):
                if np.isfinite(bound):
                    rows.append(row)
                    signs.append(sign)
                    slacks.append(Slack(name, parts, max(1.0, abs(float(bound)))))
    return rows, signs, slacks


def members(block: Block) -> list[tuple[int, tuple[str, ...]]]:
    """Number and labels of every member of a block, in order of number."""
    places = np.argwhere(block.index >= 0)
    numbers = block.index[block.index >= 0]
    return [
        (int(numbers[i]), tuple(part for axis, at in zip(block.labels, places[i], strict=True) if (part := axis[at])))
        for i in np.argsort(numbers, kind="stable")
    ]


def _urgency(model: FleetModel, slack: Slack) -> float:
    """Promises to critical classes give way last."""
    groups, first = model.frame.problem.groups, slack.parts[0] if slack.parts else ""
    if slack.block.startswith(("demand", "protected")) and first in groups.names:
        own = int(groups.group_class[groups.names.index(first)])
    elif first in groups.classes:
        own = groups.classes.index(first)
    else:
        return 1.0
    return float(2.0 ** (len(groups.classes) - own))


def in_use(amount: Array, slacks: list[Slack]) -> list[tuple[float, Slack]]:
    """Slacks in use, the largest relative to its size first."""
    used = [(value, slack) for value, slack in zip(amount.tolist(), slacks, strict=True)]
    return sorted((row for row in used if row[0] > NOTICEABLE * row[1].size), key=lambda row: -row[0] / row[1].size)
