"""What a run would do, without solving: sizes, coefficient ranges, an estimate of memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capacity_opt.cli.output import Output
from capacity_opt.cli.validate import summary

BYTES_PER_NONZERO = 120


def describe(scenario: Path, settings: Sequence[str], variant: str | None, output: Output) -> int:
    """Read the scenario, build its model and tell its size."""
    from capacity_opt.scenario.read import read_scenario

    read = read_scenario(scenario, set=settings, variant=variant)
    items = read.item_count
    facts: dict[str, object] = {"name": read.name, "items": items}
    if read.fleet is not None and read.spec.fleet is not None:
        from capacity_opt.fleet.formulation import build_model
        from capacity_opt.fleet.outcomes import draw_outcomes
        from capacity_opt.scenario.problems import told_as_fault

        with told_as_fault():
            model = build_model(read.fleet, draw_outcomes(read.fleet, seed=read.seed), read.spec.fleet.formulation)
        lp = model.lp
        facts |= {
            "sizes": dict(read.fleet.sizes),
            "rows": int(lp.matrix.shape[0]),
            "columns": int(lp.matrix.shape[1]),
            "integers": int(lp.integer.sum()),
            "nonzeros": int(lp.matrix.nnz),
            "coefficients": _range(lp.matrix.data),
            "costs": _range(lp.cost),
            "memory_mb": round(lp.matrix.nnz * BYTES_PER_NONZERO / 1e6, 1),
        }
    if output.as_json:
        output.json(facts)
        return 0
    output.warn(read.warnings)
    sizes = facts.get("sizes", {})
    output.result(f"{read.name}: {summary(sizes if isinstance(sizes, dict) else {}, items)}")
    for name in ("rows", "columns", "integers", "nonzeros", "coefficients", "costs", "memory_mb"):
        if name in facts:
            output.result(f"  {name:<12} {facts[name]}")
    return 0


def _range(values: NDArray[np.float64]) -> str:
    given = np.abs(values[values != 0])
    return "none" if given.size == 0 else f"{given.min():.3g} to {given.max():.3g}"
