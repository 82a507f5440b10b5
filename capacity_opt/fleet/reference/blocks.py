"""Named blocks of columns and rows, and sums that skip what does not exist: the grammar the book is written in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from math import inf
from typing import Any, TypeVar

import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression

Rule = TypeVar("Rule", bound=Callable[..., Any])
Places = Collection[Any]
Kind = str

CONTINUOUS, WHOLE, BINARY = "continuous", "whole", "binary"
_DOMAINS = {CONTINUOUS: pyo.NonNegativeReals, WHOLE: pyo.NonNegativeIntegers, BINARY: pyo.Binary}


def columns(
    m: Any, name: str, *index: Places, kind: Kind = CONTINUOUS, upper: Callable[..., float] | None = None
) -> Any:
    """Add the columns ``name`` over the product of ``index``: at least 0, at most ``upper`` of their place."""

    def bounds(_: Any, *place: str) -> tuple[float, float | None]:
        most = inf if upper is None else upper(*place)
        return 0.0, None if most == inf else most

    block = pyo.Var(*index, domain=_DOMAINS[kind], bounds=None if upper is None else bounds)
    m.add_component(name, block)
    return block


def rows(m: Any, name: str, *index: Places) -> Callable[[Rule], Rule]:
    """Add the rows ``name`` over the product of ``index``; the decorated rule gets the place and gives the row."""

    def add(rule: Rule) -> Rule:
        scalar = not index
        m.add_component(name, pyo.Constraint(*index, rule=lambda _, *place: rule() if scalar else rule(*place)))
        return rule

    return add


def at_most(expression: Any, upper: float) -> Any:
    """``expression <= upper``, also where the expression has no columns."""
    return (None, expression, upper)


def at_least(expression: Any, lower: float) -> Any:
    """``expression >= lower``, also where the expression has no columns."""
    return (lower, expression, None)


def equal(expression: Any, value: float) -> Any:
    """``expression == value``, also where the expression has no columns."""
    return (value, expression, value)


def there(block: Any, *place: str) -> Any:
    """The column at a place; ``None`` where the block has none."""
    known: bool = place in block
    return block[place] if known else None


def total(*terms: Iterable[tuple[float, Any]]) -> LinearExpression:
    """The sum of coefficient * column over all ``terms``; absent columns and zero coefficients are left out.

    An empty sum is still an expression, so that a rule can put bounds on it.
    """
    kept = [(float(factor), column) for group in terms for factor, column in group if column is not None and factor]
    return LinearExpression(
        constant=0, linear_coefs=[factor for factor, _ in kept], linear_vars=[column for _, column in kept]
    )


def minus(terms: Iterable[tuple[float, Any]]) -> Iterable[tuple[float, Any]]:
    """The same terms with the opposite sign."""
    return ((-factor, column) for factor, column in terms)
