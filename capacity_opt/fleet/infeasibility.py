"""Why no plan exists, in words: which promise fails, when, by how much, what stands in the way, and what would help.

Every requirement gets a named slack. Solved once with slack on the promises only, the continuous relaxation says which
of them must fail and what binds meanwhile; solved again with slack on one kind of limit at a time, it says how far that
limit alone would have to move.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from capacity_opt.fleet.arrays import Block
from capacity_opt.fleet.formulation import FleetModel
from capacity_opt.solvers.linear_program import LinearProgram
from capacity_opt.solvers.solution import Solution
from capacity_opt.solvers.solve import solve

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_LINES = 10
NOTICEABLE = 1e-6

PROMISES = ("demand", "protected", "fill_rate", "chance", "shortage_cvar", "utilization")
FIXES = (
    ("order_limit", "raise the order limit"),
    ("power", "raise the power limit"),
    ("rack_units", "raise the rack-unit limit"),
    ("space", "raise the space limit"),
    ("capex_budget", "raise the capital budget"),
    ("cumulative_budget", "raise the cumulative budget"),
    ("opex_budget", "raise the running budget"),
    ("option_limit", "raise the purchase limit"),
    ("commitment_limit", "raise the commitment limit"),
    ("never_grow", "allow growth"),
    ("never_shrink", "allow shrinking"),
    ("stock_balance", "have servers in service that no order can bring in time (shorter lead time, earlier order)"),
)


@dataclass(frozen=True, slots=True)
class Slack:
    """One slack column: the block and label it relaxes, and the size its amount is compared with."""

    block: str
    label: str
    size: float


def explain(model: FleetModel, *, time_limit: float = 60.0) -> tuple[str, ...]:
    """Lines for an :class:`~capacity_opt.errors.InfeasibleError`: failing promises, then fixes, smallest first."""
    blocks = _promise_rows(model)
    program, slacks = elastic(model, blocks)
    found = solve(program, time_limit=time_limit)
    if found.x is None:
        return _contradiction(model, time_limit)
    whole = found.objective <= NOTICEABLE and bool(model.lp.integer.any())
    note = []
    if whole:
        note = ["orders come in whole racks: with parts of a rack it could be done"]
        found = solve(elastic(model, blocks, whole=True)[0], time_limit=time_limit)
    if found.x is None:
        return (*note, "whole racks do not fit the limits, whatever is promised")
    lines = _failures(model, found, slacks)
    fixes = _fixes(model, time_limit, whole=whole)
    if not fixes:
        return (*note, *lines, "no single limit explains it: at least two must move together")
    return (*note, *lines, f"cheapest fix: {fixes[0]}", *(f"or: {fix}" for fix in fixes[1:4]))


def _promise_rows(model: FleetModel) -> dict[str, Block]:
    """The rows that hold a promise; demand is one only where no shortage is allowed."""
    blocks = {name: block for name, block in model.row_blocks.items() if name.startswith(PROMISES)}
    demand, firm = blocks["demand"], ~model.frame.problem.service.shortage_allowed
    index = np.where(firm[:, None, None, None], demand.index, -1)
    return {**blocks, "demand": replace(demand, index=index)}


def elastic(
    model: FleetModel, blocks: dict[str, Block], *, order_limit: bool = False, whole: bool = False
) -> tuple[LinearProgram, list[Slack]]:
    """The program without costs, continuous unless ``whole``, with priced slack on the rows of ``blocks`` (and, if
    asked, on the limits of orders). A slack costs one per its natural size; promises of critical classes cost more."""
    lp = model.lp
    rows, signs, slacks = _row_slacks(lp, blocks)
    price = [_urgency(model, slack.block, slack.label) / slack.size for slack in slacks]
    extra = sparse.coo_array((signs, (rows, np.arange(len(rows)))), shape=(lp.rows, len(rows)))
    parts = [lp.matrix, sparse.csr_array(extra)]
    if order_limit:
        index = model.column_blocks["racks"].index
        limited = np.sort(index[index >= 0])
        limited = limited[np.isfinite(lp.column_upper[limited])]
        parts.append(sparse.csr_array(lp.matrix[:, limited]))
        names = lp.column_names()
        more = [Slack("order_limit", names[i], max(1.0, float(lp.column_upper[i]))) for i in limited.tolist()]
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
        for row, label in zip(np.sort(block.index[block.index >= 0]).tolist(), block.names(), strict=True):
            for sign, bound in ((1.0, lp.row_lower[row]), (-1.0, lp.row_upper[row])):
                if np.isfinite(bound):
                    rows.append(row)
                    signs.append(sign)
                    slacks.append(Slack(name, label, max(1.0, abs(float(bound)))))
    return rows, signs, slacks


def _urgency(model: FleetModel, block: str, label: str) -> float:
    """Promises to critical classes give way last."""
    groups = model.frame.problem.groups
    inside = label[label.index("[") + 1 : -1].split(",")[0] if "[" in label else ""
    if block.startswith(("demand", "protected")) and inside in groups.names:
        own = int(groups.group_class[groups.names.index(inside)])
    elif inside in groups.classes:
        own = groups.classes.index(inside)
    else:
        return 1.0
    return float(2.0 ** (len(groups.classes) - own))


def _failures(model: FleetModel, found: Solution, slacks: list[Slack]) -> list[str]:
    """The worst failing promises, each period once, with what stands in the way."""
    assert found.x is not None
    amount = found.x[model.lp.columns :]
    worst: dict[tuple[str, str], float] = {}
    for slack, value in zip(slacks, amount.tolist(), strict=True):
        if value > NOTICEABLE * slack.size:
            inside = slack.label[slack.label.index("[") + 1 : -1].split(",") if "[" in slack.label else [slack.block]
            key = (slack.block, ",".join(inside[:2]))
            worst[key] = max(worst.get(key, 0.0), value)
    ordered = sorted(worst.items(), key=lambda row: -row[1])
    lines = [_failure(model, found, block, inside, value) for (block, inside), value in ordered[:MOST_LINES]]
    if len(ordered) > MOST_LINES:
        lines.append(f"and {len(ordered) - MOST_LINES} more ({len(ordered)} in all)")
    return lines


def _failure(model: FleetModel, found: Solution, block: str, inside: str, value: float) -> str:
    first, _, period = inside.partition(",")
    if block == "demand":
        return f"{first} short {value:.6g} in {period}: {_cause(model, found, first, period)}"
    if block.startswith("protected"):
        zone = block.removeprefix("protected_without_")
        cause = _cause(model, found, first, period, model.frame.problem.sites.zones.index(zone))
        return f"{first} short {value:.6g} of its protected share in {period} if {zone} is lost: {cause}"
    if block == "fill_rate":
        return f"fill rate of {first} missed by {value:.6g} units of unmet demand: {_binding(model, found)}"
    return f"{block}[{inside}] missed by {value:.6g}: {_binding(model, found)}"


def _cause(model: FleetModel, found: Solution, group: str, period: str, lost: int = -1) -> str:
    """Lead time, where nothing ordered now can be there; otherwise the limits that bind."""
    problem = model.frame.problem
    t = problem.periods.index(period)
    fits = _places(model, problem.groups.names.index(group), lost)
    if not fits.any():
        return "no server type in an allowed place can serve it" + (" then" if lost >= 0 else "")
    can = fits & (problem.supply.order_limit.max(axis=2) > 0)
    first = problem.supply.first_order
    lead = problem.supply.lead_time[can]
    if lead.size == 0:
        return "no order of a compatible type is allowed (order limit 0)"
    earliest = first + int(lead.min())
    if t < earliest:
        last = len(problem.periods) - 1
        when = problem.periods[earliest] if earliest <= last else "the end of the plan"
        return (
            f"lead time {int(lead.min())}, first order {problem.periods[min(first, last)]}: "
            f"nothing ordered arrives before {when}"
        )
    return _binding(model, found)


def _places(model: FleetModel, group: int, lost: int) -> NDArray[np.bool_]:
    """Which types in which zones can serve the group while zone ``lost`` is lost, (K, Z)."""
    frame = model.frame
    lanes = frame.lanes(lost if lost >= 0 else None)
    own = lanes.group == group
    by_pool = np.zeros((frame.problem.sizes["K"], len(frame.pools)), dtype=bool)
    by_pool[lanes.server_type[own], lanes.pool[own]] = True
    zones = np.arange(frame.problem.sizes["Z"])
    fits: NDArray[np.bool_] = by_pool[:, frame.zone_pool] & (zones != lost)
    return fits


def _binding(model: FleetModel, found: Solution) -> str:
    """The limits with the largest price in the elastic solution."""
    if found.row_duals is None or found.reduced_costs is None:
        return "limits bind"
    worth: list[tuple[float, str]] = []
    for name, _ in FIXES:
        if name in model.row_blocks and name not in ("stock_balance", "option_limit"):
            block = model.row_blocks[name]
            rows = np.sort(block.index[block.index >= 0])
            worth += zip(np.abs(found.row_duals[rows]).tolist(), block.names(), strict=True)
    racks = model.column_blocks["racks"]
    columns = np.sort(racks.index[racks.index >= 0])
    worth += [
        (value, f"order limit of {name}")
        for value, name in zip((-found.reduced_costs[columns]).tolist(), racks.names(), strict=True)
    ]
    binding = [name for value, name in sorted(worth, key=lambda row: -row[0])[:3] if value > 1e-9]
    return f"held back by {', '.join(binding)}" if binding else "promises and limits contradict each other"


def _fixes(model: FleetModel, time_limit: float, *, whole: bool) -> list[str]:
    """For each kind of limit that alone would do: how far it has to move. Smallest relative move first."""
    found: list[tuple[float, str]] = []
    for name, words in FIXES:
        if name != "order_limit" and name not in model.row_blocks:
            continue
        blocks = {} if name == "order_limit" else {name: model.row_blocks[name]}
        program, slacks = elastic(model, blocks, order_limit=name == "order_limit", whole=whole)
        answer = solve(program, time_limit=time_limit) if slacks else None
        if answer is None or answer.x is None:
            continue
        told = _moved(answer.x[model.lp.columns :], slacks)
        if not told:
            continue
        where = ", ".join(f"{_inside(slack.label)} by {value:.6g}" for value, slack in told[:3])
        more = f" and {len(told) - 3} more" if len(told) > 3 else ""
        penalty = 1e6 if name == "stock_balance" else 0.0
        found.append((answer.objective + penalty, f"{words}: {where}{more}"))
    return [text for _, text in sorted(found)]


def _inside(label: str) -> str:
    return label[label.index("[") + 1 : -1].replace(",", "/") if "[" in label else label


def _contradiction(model: FleetModel, time_limit: float) -> tuple[str, ...]:
    """The limits contradict each other whatever is promised: relax them and name those that move; the balance of
    stock itself only if that is not enough."""
    for kept in (("demand", "stock_balance"), ("demand",)):
        blocks = {name: block for name, block in model.row_blocks.items() if name not in kept}
        program, slacks = elastic(model, blocks, order_limit=True)
        found = solve(program, time_limit=time_limit)
        if found.x is not None:
            moved = _moved(found.x[model.lp.columns :], slacks)
            told = [f"{slack.label} broken by {value:.6g}" for value, slack in moved[:MOST_LINES]]
            return ("limits contradict each other whatever is promised:", *told)
    return ("the limits contradict each other; no smaller set was found in time",)


def _moved(amount: Array, slacks: list[Slack]) -> list[tuple[float, Slack]]:
    """Slacks in use, the largest relative to its size first."""
    used = [(value, slack) for value, slack in zip(amount.tolist(), slacks, strict=True)]
    return sorted((row for row in used if row[0] > NOTICEABLE * row[1].size), key=lambda row: -row[0] / row[1].size)
