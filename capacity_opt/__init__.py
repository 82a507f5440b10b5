"""capacity_opt decides how much cloud capacity and inventory to buy, hold and promise, and proves that it was right.

The public names are loaded when first used, so ``import capacity_opt`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capacity_opt.demand.protocol import Demand
    from capacity_opt.errors import (
        ArgumentError,
        CapacityError,
        InfeasibleError,
        LimitError,
        RunFolderError,
        ScenarioError,
        SolverError,
        UnboundedError,
        VerificationError,
    )
    from capacity_opt.problem.fleet import FleetProblem
    from capacity_opt.problem.item import Item
    from capacity_opt.problem.plan import FleetPlan
    from capacity_opt.problem.policies import (
        BaseStock,
        CappedBaseStock,
        EchelonBaseStock,
        ProjectedInventoryLevel,
        ReorderPointOrderQuantity,
        ReorderPointOrderUpTo,
        TimeVaryingOrderUpTo,
    )
    from capacity_opt.simulation.estimate import Estimate

__version__ = "0.1.0"

_HOMES = {
    "ArgumentError": "errors",
    "BaseStock": "problem.policies",
    "CapacityError": "errors",
    "CappedBaseStock": "problem.policies",
    "Demand": "demand.protocol",
    "EchelonBaseStock": "problem.policies",
    "Estimate": "simulation.estimate",
    "FleetPlan": "problem.plan",
    "FleetProblem": "problem.fleet",
    "InfeasibleError": "errors",
    "Item": "problem.item",
    "LimitError": "errors",
    "ProjectedInventoryLevel": "problem.policies",
    "ReorderPointOrderQuantity": "problem.policies",
    "ReorderPointOrderUpTo": "problem.policies",
    "RunFolderError": "errors",
    "ScenarioError": "errors",
    "SolverError": "errors",
    "TimeVaryingOrderUpTo": "problem.policies",
    "UnboundedError": "errors",
    "VerificationError": "errors",
}

__all__ = [
    "ArgumentError",
    "BaseStock",
    "CapacityError",
    "CappedBaseStock",
    "Demand",
    "EchelonBaseStock",
    "Estimate",
    "FleetPlan",
    "FleetProblem",
    "InfeasibleError",
    "Item",
    "LimitError",
    "ProjectedInventoryLevel",
    "ReorderPointOrderQuantity",
    "ReorderPointOrderUpTo",
    "RunFolderError",
    "ScenarioError",
    "SolverError",
    "TimeVaryingOrderUpTo",
    "UnboundedError",
    "VerificationError",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use."""
    if name in _HOMES:
        value = getattr(import_module(f"capacity_opt.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'capacity_opt' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return __all__
