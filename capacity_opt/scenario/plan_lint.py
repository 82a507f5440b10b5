"""What the fleet model and the frontier would refuse, told where it is written, before anything is solved."""

from __future__ import annotations

import numpy as np

from capacity_opt.errors import ArgumentError
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.scenario.fleet_tables import FleetTables
from capacity_opt.scenario.load import FILE, Source
from capacity_opt.scenario.problems import did_you_mean, shown

SHARES = ("fill_rate", "no_shortage_probability", "utilization")


def lint_plan(problem: FleetProblem, tables: FleetTables, source: Source) -> None:
    """Note what sizing the fleet or sweeping a target would stop at."""
    before = len(source.problems.errors)
    _endless_lives(problem, tables, source)
    _minimum_above_limit(tables, source)
    _solver(tables, source)
    _frontier(tables, source)
    if len(source.problems.errors) == before:
        _model_rules(problem, tables, source)


def _endless_lives(problem: FleetProblem, tables: FleetTables, source: Source) -> None:
    if problem.finance.capital != "amortised":
        return
    for k in np.flatnonzero(np.isinf(problem.server_types.life)):
        source.problems.error(
            "E247",
            tables.types.file,
            f"{tables.type_names[k]} needs a life where capital is 'amortised': its price is spread over it",
            row=tables.types.rows[k],
            column="life",
            fix='Give a life (life_months), or set [fleet] capital = "cash"',
        )


def _minimum_above_limit(tables: FleetTables, source: Source) -> None:
    least, most = (tables.types.numbers[name] for name in ("order_minimum", "order_limit"))
    for k in np.flatnonzero((least > most) & (most > 0)):
        source.problems.error(
            "E247",
            tables.types.file,
            f"must not exceed order_limit = {most[k]:g}",
            value=f"{least[k]:g}",
            row=tables.types.rows[k],
            column="order_minimum",
            fix="To forbid the order set order_limit to 0",
        )


def _solver(tables: FleetTables, source: Source) -> None:
    if tables.spec.solver is None:
        return
    from capacity_opt.solvers.solve import BACKENDS

    if tables.spec.solver not in BACKENDS:
        source.problems.error(
            "E207",
            FILE,
            f"must be one of {', '.join(sorted(BACKENDS))}",
            value=shown(tables.spec.solver),
            row=source.toml.line(("fleet", "solver")),
            column="fleet.solver",
            fix=did_you_mean(tables.spec.solver, BACKENDS),
        )


def _frontier(tables: FleetTables, source: Source) -> None:
    section, problems = source.spec.frontier, source.problems
    if section is None:
        return
    for name in section.classes or ():
        if name not in tables.class_names:
            problems.error(
                "E208",
                FILE,
                f"{shown(name)} is no class",
                row=source.toml.line(("frontier", "classes")),
                column="frontier.classes",
                fix=did_you_mean(name, tables.class_names),
            )
    most = 1.0 if section.over in SHARES else np.inf
    for value in section.values:
        if not 0 <= value <= most:
            problems.error(
                "E201",
                FILE,
                f"a value of {section.over} must be {'in [0, 1]' if most == 1 else '>= 0'}",
                value=f"{value:g}",
                row=source.toml.line(("frontier", "values")),
                column="frontier.values",
                fix=f"For a percentage write {value / 100:g}" if 1 < value <= 100 and most == 1 else "",
            )


def _model_rules(problem: FleetProblem, tables: FleetTables, source: Source) -> None:
    """The model's own rules, in its words."""
    from capacity_opt.fleet.formulation import check_formulation
    from capacity_opt.fleet.lint import lint_problem

    try:
        lint_problem(problem)
        check_formulation(problem, tables.spec.formulation)
    except ArgumentError as error:
        source.problems.error("E240", FILE, str(error), row=source.toml.line(("fleet",)), column="fleet")
