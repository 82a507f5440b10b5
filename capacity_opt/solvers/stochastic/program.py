"""A two-stage stochastic linear program whose recourse shares one matrix and cost over many right-hand sides.

::

    minimise    first.cost @ x + sum over groups g of weight[g] * sum over samples s of probability[g, s] * Q(g, s, x)
    subject to  the rows, bounds and integrality of ``first``
    Q(g, s, x) = min cost @ y   subject to   matrix @ y + slack = base[g] + random[g, s] - technology[g] @ x,
                                             lower <= y <= upper,  slack_lower <= slack <= slack_upper

Rows of expectations may tie all groups and samples together (a fill rate, an expected budget)::

    coupling.lower <= coupling.matrix @ x + sum over g of counted[g] @ E[y of group g] <= coupling.upper

Risks may limit, or make dear, the mean of the worst samples of what recourse adds over all groups::

    CVaR at level of ( sum over g of at_risk[g] @ y of group g in the sample ) <= x[column]

where ``column`` of the first stage has a cost (the risk is paid for) or an upper bound (it is limited), or both.

Only right-hand sides differ between samples, so a basis that is dual feasible for one is dual feasible for all of
them: that is what :mod:`capacity_opt.solvers.stochastic.graph` lives on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from capacity_opt import _checks
from capacity_opt.errors import ArgumentError
from capacity_opt.solvers.linear_program import LinearProgram

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class SampleGroup:
    """Samples that meet the same first-stage decision in the same way: a region and period, say.

    ``technology`` (m, first-stage columns); ``base`` (m,) the part of the right-hand side that is the same in every
    sample; ``values`` (S, len(random_rows)) what each sample adds in the family's random rows; ``probability`` (S,);
    ``weight`` multiplies the group's expected cost in the objective (0: the group only asks for a feasible recourse);
    ``counted`` (coupling rows, n): what a unit of each recourse column adds to the coupling rows in expectation.
    ``samples`` (S,): which of the program's samples these are (``None``: all of them, in order). ``at_risk`` (risks,
    n): what a unit of each recourse column adds to each of the program's risks in its sample.
    """

    technology: sparse.csr_array
    base: Array
    values: Array
    probability: Array
    weight: float = 1.0
    counted: Array | None = None
    samples: IntArray | None = None
    at_risk: Array | None = None


@dataclass(frozen=True, kw_only=True)
class RecourseFamily:
    """One recourse problem for many samples. ``matrix`` (m, n) dense; ``cost``, ``lower``, ``upper`` (n,);
    ``slack_lower``, ``slack_upper`` (m,): 0 and inf for <=, 0 and 0 for =, -inf and 0 for >= (:func:`slack_bounds`), 0
    and a width for a range; ``random_rows``: the rows in which samples differ; ``groups``: :class:`SampleGroup`."""

    matrix: Array
    cost: Array
    lower: Array
    upper: Array
    slack_lower: Array
    slack_upper: Array
    random_rows: IntArray
    groups: tuple[SampleGroup, ...]

    def __post_init__(self) -> None:
        """Check every shape."""
        m, n = self.matrix.shape
        for name, length in (("cost", n), ("lower", n), ("upper", n), ("slack_lower", m), ("slack_upper", m)):
            if getattr(self, name).shape != (length,):
                raise ArgumentError(f"{name} must have shape ({length},), got {getattr(self, name).shape}")
        for group in self.groups:
            _check_group(group, m, len(self.random_rows))


def slack_bounds(sense: ArrayLike) -> tuple[Array, Array]:
    """Slack bounds of rows by sense: -1 for <=, 0 for =, 1 for >=."""
    signs = np.asarray(sense)
    return np.where(signs > 0, -np.inf, 0.0), np.where(signs < 0, np.inf, 0.0)


@dataclass(frozen=True, kw_only=True)
class Coupling:
    """Rows over the first stage and expected recourse: ``matrix`` (rows, first-stage columns), ``lower``, ``upper``."""

    matrix: sparse.csr_array
    lower: Array
    upper: Array


def no_coupling(columns: int) -> Coupling:
    """No rows, for a first stage of ``columns``."""
    return Coupling(matrix=sparse.csr_array((0, columns)), lower=np.zeros(0), upper=np.zeros(0))


@dataclass(frozen=True, kw_only=True)
class Risk:
    """The mean of the worst ``1 - level`` share of outcomes is at most the first stage's ``column``, which is in no
    other row."""

    column: int
    level: float


@dataclass(frozen=True, kw_only=True)
class TwoStageProgram:
    """The first stage, its recourse families, and the rows of expectations and the risks that tie them together (if
    any)."""

    first: LinearProgram
    families: tuple[RecourseFamily, ...]
    coupling: Coupling | None = None
    risks: tuple[Risk, ...] = ()

    def __post_init__(self) -> None:
        """A risk is one of samples: all groups must give a sample the same probability."""
        if self.risks:
            told = self.sample_probability
            for _, group in self.groups:
                own = told if group.samples is None else told[group.samples]
                if group.at_risk is not None and not np.array_equal(own, group.probability):
                    raise ArgumentError("groups at risk must have the same samples with the same probability")

    @property
    def groups(self) -> list[tuple[RecourseFamily, SampleGroup]]:
        """Every group with its family, in order."""
        return [(family, group) for family in self.families for group in family.groups]

    @property
    def rows_of_expectations(self) -> Coupling:
        """``coupling``, or none of them."""
        return no_coupling(self.first.columns) if self.coupling is None else self.coupling

    @property
    def sample_probability(self) -> Array:
        """The probability of every sample (S,), as the groups that are at risk tell it."""
        told = [group for _, group in self.groups if group.at_risk is not None]
        count = max(len(g.values) if g.samples is None else int(g.samples.max()) + 1 for g in told)
        probability = np.zeros(count)
        for group in told:
            probability[slice(None) if group.samples is None else group.samples] = group.probability
        return probability

    @property
    def samples(self) -> int:
        """The number of recourse problems behind one evaluation of the objective."""
        return sum(len(group.values) for _, group in self.groups)


def extensive_form(program: TwoStageProgram) -> LinearProgram:
    """The same program as one large linear program: every sample with its own recourse columns and rows.

    Columns: the first stage, then per family, group and sample its n recourse columns, then per risk its value at risk
    and what each sample adds beyond it. Costs are probability times
    weight times cost, so they become small with many samples: solvers' absolute dual tolerances then matter.
    """
    first, coupling = program.first, program.rows_of_expectations
    pieces = [_extensive_group(family, group, len(coupling.lower)) for family, group in program.groups]
    links = sparse.vstack([piece.links for piece in pieces], format="csr")
    blocks = sparse.block_diag([piece.blocks for piece in pieces], format="csr")
    counted = sparse.hstack([piece.counted for piece in pieces], format="csr")
    top = sparse.hstack([first.matrix, sparse.csr_array((first.rows, blocks.shape[1]))], format="csr")
    middle = sparse.hstack([coupling.matrix, counted], format="csr")
    bottom = sparse.hstack([links, blocks], format="csr")
    columns = [np.concatenate([getattr(piece, name) for piece in pieces]) for name in _LINED_UP]
    whole = LinearProgram(
        cost=np.concatenate([first.cost, columns[0]]),
        matrix=sparse.csr_array(sparse.vstack([top, middle, bottom], format="csr")),
        row_lower=np.concatenate([first.row_lower, coupling.lower, columns[3]]),
        row_upper=np.concatenate([first.row_upper, coupling.upper, columns[4]]),
        column_lower=np.concatenate([first.column_lower, columns[1]]),
        column_upper=np.concatenate([first.column_upper, columns[2]]),
        integer=np.concatenate([first.integer, np.zeros(blocks.shape[1], dtype=bool)]),
        offset=first.offset,
    )
    for i in range(len(program.risks)):
        whole = _with_risk(whole, program, i)
    return whole


def _with_risk(lp: LinearProgram, program: TwoStageProgram, i: int) -> LinearProgram:
    """The extensive form with risk ``i``: columns for the value at risk and every sample's excess, their rows."""
    risk, probability = program.risks[i], program.sample_probability
    count, begin, row, column, value = len(probability), program.first.columns, [], [], []
    for family, group in program.groups:
        n, own = len(family.cost), np.arange(len(group.values)) if group.samples is None else group.samples
        if group.at_risk is not None:
            used = np.flatnonzero(group.at_risk[i])
            row.append(np.repeat(own, len(used)))
            column.append((begin + n * np.arange(len(own))[:, None] + used).ravel())
            value.append(np.tile(group.at_risk[i, used], len(own)))
        begin += n * len(group.values)
    samples, one = np.arange(count), np.ones(count)
    excess = lp.columns + 1 + samples
    row += [samples, samples, np.full(count, count), np.array([count, count])]
    column += [np.full(count, lp.columns), excess, excess, np.array([lp.columns, risk.column])]
    value += [-one, -one, probability / (1.0 - risk.level), np.array([1.0, -1.0])]
    place = (np.concatenate(row), np.concatenate(column))
    shape = (count + 1, lp.columns + 1 + count)
    rows = sparse.csr_array((np.concatenate(value), place), shape=shape)
    wide = sparse.hstack([lp.matrix, sparse.csr_array((lp.rows, count + 1))], format="csr")
    return LinearProgram(
        cost=np.concatenate([lp.cost, np.zeros(count + 1)]),
        matrix=sparse.csr_array(sparse.vstack([wide, rows], format="csr")),
        row_lower=np.concatenate([lp.row_lower, np.full(count + 1, -np.inf)]),
        row_upper=np.concatenate([lp.row_upper, np.zeros(count + 1)]),
        column_lower=np.concatenate([lp.column_lower, [-np.inf], np.zeros(count)]),
        column_upper=np.concatenate([lp.column_upper, np.full(count + 1, np.inf)]),
        integer=np.concatenate([lp.integer, np.zeros(count + 1, dtype=bool)]),
        offset=lp.offset,
    )


_LINED_UP = ("cost", "lower", "upper", "row_lower", "row_upper")


@dataclass(frozen=True, kw_only=True)
class _ExtensiveGroup:
    """Rows and columns of one group in the extensive form."""

    links: sparse.csr_array
    blocks: sparse.csr_array
    counted: sparse.csr_array
    cost: Array
    lower: Array
    upper: Array
    row_lower: Array
    row_upper: Array


def _extensive_group(family: RecourseFamily, group: SampleGroup, coupled: int) -> _ExtensiveGroup:
    samples, n = len(group.values), len(family.cost)
    rhs = np.tile(group.base, (samples, 1))
    rhs[:, family.random_rows] += group.values
    counted = np.zeros((coupled, n)) if group.counted is None else group.counted
    return _ExtensiveGroup(
        links=sparse.kron(np.ones((samples, 1)), group.technology, format="csr"),
        blocks=sparse.csr_array(sparse.kron(sparse.identity(samples), family.matrix)),
        counted=sparse.csr_array(sparse.kron(group.probability[None, :], counted)),
        cost=np.ravel(group.weight * group.probability[:, None] * family.cost),
        lower=np.tile(family.lower, samples),
        upper=np.tile(family.upper, samples),
        row_lower=np.ravel(rhs - family.slack_upper),
        row_upper=np.ravel(rhs - family.slack_lower),
    )


def _check_group(group: SampleGroup, rows: int, random_rows: int) -> None:
    if group.technology.shape[0] != rows or group.base.shape != (rows,):
        raise ArgumentError(f"technology and base must have {rows} rows like the recourse matrix")
    if group.values.ndim != 2 or group.values.shape[1] != random_rows:
        raise ArgumentError(f"values must have shape (samples, {random_rows}), got {group.values.shape}")
    if group.probability.shape != (len(group.values),):
        raise ArgumentError(f"probability must have shape ({len(group.values)},), got {group.probability.shape}")
    _checks.non_negative("probability", group.probability)
