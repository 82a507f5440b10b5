"""The steps of a run, in order: replenishment, fleet plan and its judge, frontier; and the sentence that answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from capacity_opt.errors import LimitError
from capacity_opt.fleet.placement import place_plan
from capacity_opt.fleet.size import size_fleet
from capacity_opt.frontier import Frontier, frontier
from capacity_opt.problem.fleet import FleetProblem
from capacity_opt.problem.placement import Placement, Room
from capacity_opt.problem.plan import FleetPlan
from capacity_opt.scenario.admission_step import AdmissionOutcome, admission_tables, admit
from capacity_opt.scenario.admission_value import costed, fixed, valued_problem
from capacity_opt.scenario.answer import run_answer
from capacity_opt.scenario.backtest_step import backtest_tables, run_backtest
from capacity_opt.scenario.calibrate import Calibrated, calibrated, calibration_table
from capacity_opt.scenario.charges import charges
from capacity_opt.scenario.customer_step import large_customers
from capacity_opt.scenario.fleet_results import availability_by_period, fleet_tables, frontier_table
from capacity_opt.scenario.inventory_network import network_tables
from capacity_opt.scenario.inventory_step import InventoryOutcome, inventory_tables, replenish
from capacity_opt.scenario.inventory_stream import StreamOutcome, replenish_stream
from capacity_opt.scenario.item_stream import ItemStream
from capacity_opt.scenario.judging import bad_paths, failure_table, judged
from capacity_opt.scenario.own_fill import own_fill
from capacity_opt.scenario.placement import placement_tables
from capacity_opt.scenario.problems import told_as_fault
from capacity_opt.scenario.read import Scenario
from capacity_opt.scenario.recommend_step import RecommendOutcome, recommend
from capacity_opt.scenario.rolling_step import roll, rolling_tables
from capacity_opt.scenario.run_folder import Table, TableStream
from capacity_opt.scenario.runway import runway
from capacity_opt.scenario.spec_judge import Simulation
from capacity_opt.scenario.studies import study_tables
from capacity_opt.scenario.waterfall import Resolve
from capacity_opt.simulation.backtest import Backtest
from capacity_opt.simulation.judgement import FleetJudgement
from capacity_opt.simulation.rolling import RollingResult

Array = NDArray[np.float64]
Tell = Callable[[str], None]

# The judge draws from streams that the optimiser never uses.
JUDGE = 1_000_003
ITEMS_JUDGE = 2_000_003
FAN = 3_000_017
CALIBRATION = 4_000_037
IDLE = 6_000_011
ADMISSION = 5_000_011
ROLLING = 7_000_003
SOLVE_LIMIT = 300.0


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Whom the steps report to: ``tell`` what begins, ``ended`` the step that is done, ``stopped`` whether to stop.
    ``open_table`` opens a table of the run that is written part by part. ``executor`` and ``workers``: where parts of
    the fleet are planned."""

    tell: Tell
    ended: Tell
    stopped: Callable[[], bool]
    open_table: Callable[[str], TableStream] | None = None
    executor: str = "serial"
    workers: int = 0


@dataclass
class StepOutcome:
    """What the steps found; ``tables`` by name as in the run folder. ``whole``: a step has ended, so there is something
    worth saving; ``stopped``: Ctrl-C came before they all had."""

    tables: dict[str, Table] = field(default_factory=dict)
    inventory: InventoryOutcome | None = None
    stream: StreamOutcome | None = None
    plan: FleetPlan | None = None
    judged: FleetJudgement | None = None
    placement: Placement | None = None
    admission: AdmissionOutcome | None = None
    curve: Frontier | None = None
    recommended: RecommendOutcome | None = None
    backtest: Backtest | None = None
    rolled: dict[str, RollingResult] = field(default_factory=dict)
    answer: str = ""
    stopped: bool = False
    whole: bool = False

    @property
    def kept(self) -> bool | None:
        """Whether the judge found every promise kept; ``None`` where nothing was judged."""
        said = []
        if self.judged is not None:
            said.append(self.judged.kept)
        if self.inventory is not None:
            said.append(self.inventory.kept)
        if self.admission is not None and self.admission.kept is not None:
            said.append(self.admission.kept)
        if self.stream is not None:
            said.append(self.stream.kept)
        return all(said) if said else None


@told_as_fault()
def run_steps(scenario: Scenario, watch: Watch) -> StepOutcome:
    """Do every step that the scenario has a section for.

    Ctrl-C before the first of them has ended comes through; afterwards it ends the steps, and what was done is kept.
    """
    outcome = StepOutcome()
    try:
        _plan(scenario, outcome, watch)
        _study(scenario, outcome, watch)
    except (KeyboardInterrupt, LimitError, SystemError):  # compiled code makes a SystemError of Ctrl-C
        if not (outcome.whole and watch.stopped()):
            raise
    outcome.stopped = watch.stopped()
    outcome.answer = run_answer(scenario, outcome)
    return outcome


def _plan(scenario: Scenario, outcome: StepOutcome, watch: Watch) -> None:
    """What to order and what to buy."""
    simulation = scenario.simulation or Simulation()
    if scenario.inventory is not None:
        watch.tell(f"replenishment of {len(scenario.inventory.names):,} items")
        seed = scenario.seed + ITEMS_JUDGE
        outcome.inventory = replenish(scenario.inventory, simulation, scenario.timeline, seed=seed)
        outcome.tables |= inventory_tables(scenario.inventory, outcome.inventory)
        outcome.whole = True
        watch.ended("inventory")
    if scenario.items_stream is not None:
        _stream(scenario, scenario.items_stream, simulation, outcome, watch)
    if scenario.network is not None and not watch.stopped():
        watch.tell(f"stock of {len(scenario.network.stages)} stages")
        outcome.tables |= network_tables(scenario.network, simulation, seed=scenario.seed + ITEMS_JUDGE)
        watch.ended("network")
    if scenario.backtest is not None and scenario.spec.backtest is not None and not watch.stopped():
        outcome.backtest = run_backtest(scenario.backtest, scenario.spec.backtest, watch.tell)
        outcome.tables |= backtest_tables(outcome.backtest, scenario.currency)
        watch.ended("backtest")
    if scenario.fleet is not None and not watch.stopped():
        _fleet(scenario, scenario.fleet, simulation, outcome, watch)


def _study(scenario: Scenario, outcome: StepOutcome, watch: Watch) -> None:
    """What else is asked about the plan; nothing is begun once ``watch.stopped()``."""
    simulation = scenario.simulation or Simulation()
    if scenario.frontier is not None and scenario.fleet is not None and not watch.stopped():
        watch.tell(f"frontier over {scenario.frontier.over}, {len(scenario.frontier.values)} points")
        outcome.curve = curve_of(scenario, simulation)
        outcome.tables["frontier"] = frontier_table(outcome.curve)
        watch.ended("frontier")
    if scenario.fleet is not None and scenario.spec.rolling is not None and not watch.stopped():
        outcome.rolled = roll(scenario.fleet, scenario.spec.rolling, scenario.seed + ROLLING, watch.tell, watch.stopped)
        outcome.tables |= rolling_tables(outcome.rolled, scenario.fleet)
        watch.ended("rolling")
    if outcome.plan is not None:
        outcome.tables |= study_tables(scenario, outcome.plan, watch.tell, watch.stopped)
        watch.ended("studies")
    if scenario.spec.customers is not None and not watch.stopped():
        outcome.tables |= large_customers(scenario, outcome.plan, outcome.inventory)
        watch.ended("customers")
    if scenario.recommend is not None and not watch.stopped():
        outcome.recommended = recommend_of(scenario, outcome.plan)
        outcome.tables |= outcome.recommended.tables
        watch.ended("recommend")


def _stream(scenario: Scenario, stream: ItemStream, simulation: Simulation, outcome: StepOutcome, watch: Watch) -> None:
    assert watch.open_table is not None
    watch.tell(f"replenishment of {stream.count:,} items, {stream.chunk:,} at a time")
    lines = watch.open_table("inventory_all")
    try:
        outcome.stream = replenish_stream(
            stream,
            simulation,
            scenario.timeline,
            seed=scenario.seed + ITEMS_JUDGE,
            write=lines.write,
            tell=watch.tell,
            stopped=watch.stopped,
        )
    finally:
        lines.close()
    outcome.tables |= outcome.stream.tables()
    outcome.whole = True
    watch.ended("inventory")


def _fleet(
    scenario: Scenario, problem: FleetProblem, simulation: Simulation, outcome: StepOutcome, watch: Watch
) -> None:
    aimed = aim(scenario, watch.tell)
    if aimed.rounds:
        outcome.tables["calibration"] = calibration_table(problem, aimed)
    plan = plan_of(scenario, watch.tell, aimed.problem, (watch.executor, watch.workers))
    plan = plan if watch.stopped() else plan.uninterrupted()  # Ctrl-C, and nobody asked for what there is
    watch.ended("fleet")
    try:
        _judge(scenario, problem, plan, simulation, outcome, watch)
    except (KeyboardInterrupt, SystemError):
        if not watch.stopped():
            raise
        watch.tell("interrupted: the plan is judged before it is saved; Ctrl-C again to drop it")
        _judge(scenario, problem, plan, simulation, outcome, watch)
    if scenario.room is not None and not watch.stopped():
        _place(scenario, scenario.room, problem, outcome, watch)
    if scenario.requests and not watch.stopped():
        outcome.admission = admission_of(scenario, plan, watch)
        outcome.tables |= admission_tables(outcome.admission, problem)
        watch.ended("admission")


def _judge(
    scenario: Scenario,
    problem: FleetProblem,
    plan: FleetPlan,
    simulation: Simulation,
    outcome: StepOutcome,
    watch: Watch,
) -> None:
    watch.tell(f"judging the plan on {simulation.samples:,} fresh samples")
    found = judged(plan, problem, simulation, seed=scenario.seed + JUDGE)
    draws, chance = problem.demand.draw(simulation.samples, seed=scenario.seed + FAN)
    tables = fleet_tables(problem, plan, found, draws, chance)
    tables["charges"] = charges(problem, plan, scenario.timeline)
    tables["runway"] = runway(problem, plan, draws, chance)
    tables["availability_by_period"] = availability_by_period(problem, found, own_fill(scenario, plan))
    tables["bad_paths"] = bad_paths(problem, plan, found, simulation, scenario.seed + JUDGE)
    if simulation.failures is not None and not watch.stopped():
        watch.tell("judging the plan while things break")
        broken = judged(plan, problem, simulation, seed=scenario.seed + JUDGE, failing=True)
        tables["failures"] = failure_table(broken)
    outcome.plan, outcome.judged, outcome.whole = plan, found, True
    outcome.tables |= tables
    watch.ended("judge")


def _place(scenario: Scenario, room: Room, problem: FleetProblem, outcome: StepOutcome, watch: Watch) -> None:
    section = scenario.spec.fleet.placement if scenario.spec.fleet is not None else None
    assert section is not None
    assert outcome.plan is not None
    watch.tell("placing the ordered servers in racks and rows")
    outcome.placement = place_plan(outcome.plan, problem, room, time_limit=section.time_limit)
    outcome.tables |= placement_tables(outcome.placement, problem)
    watch.ended("placement")


@told_as_fault()
def admission_of(scenario: Scenario, plan: FleetPlan, watch: Watch) -> AdmissionOutcome:
    """Levels for the plan's capacity as the ``[admission]`` section says, on demand that the plan has not seen."""
    problem, section = scenario.fleet, scenario.spec.admission
    assert problem is not None
    assert section is not None
    simulation = scenario.simulation or Simulation()
    asked = problem.demand.draw(simulation.samples, seed=scenario.seed + FAN)
    return admit(
        problem,
        plan,
        scenario.requests,
        section,
        asked=asked,
        seed=scenario.seed + ADMISSION,
        tell=watch.tell,
        stopped=watch.stopped,
    )


def recommend_of(scenario: Scenario, plan: FleetPlan | None) -> RecommendOutcome:
    """The recommendations of a scenario as its ``[recommend]`` section says; ``plan`` gives prices and what is idle."""
    section = scenario.spec.recommend
    assert scenario.recommend is not None
    assert section is not None
    a_year = scenario.timeline.per_year
    return recommend(
        scenario.recommend, section, scenario.fleet, plan, periods_a_month=a_year / 12.0, seed=scenario.seed + IDLE
    )


@told_as_fault()
def plan_of(
    scenario: Scenario, tell: Tell, aimed: FleetProblem | None = None, where: tuple[str, int] = ("serial", 0)
) -> FleetPlan:
    """Size the fleet of a scenario as its ``[fleet]`` section says, with the targets of ``aimed`` (default: its own, or
    calibrated ones). ``where``: executor and workers for regions that can be planned apart."""
    section = scenario.spec.fleet
    assert section is not None
    assert scenario.fleet is not None
    tell(f"fleet plan ({section.formulation}, {scenario.fleet.samples} samples)")

    def progress(seconds: float, incumbent: float, bound: float, gap: float) -> None:
        said = f"incumbent {incumbent:,.6g}" if math.isfinite(incumbent) else "no plan yet"
        said += f", bound {bound:,.6g}" if math.isfinite(bound) else ""
        said += f", gap {gap:.2%}" if math.isfinite(gap) else ""
        tell(f"fleet plan: {seconds:.0f} s, {said}")

    aimed = valued = aim(scenario, tell).problem if aimed is None else aimed
    admission, limit = scenario.spec.admission, section.time_limit or SOLVE_LIMIT
    if admission is not None and admission.value_in_plan:
        tell("valuing capacity by what it earns on the day")
        valued = valued_problem(aimed, scenario.requests, admission, seed=scenario.seed)
    plan = size_fleet(
        valued,
        formulation=section.formulation,
        gap=section.gap,
        seed=scenario.seed,
        time_limit=limit,
        solver=section.solver or "highs",
        progress=progress,
        executor=where[0],
        workers=where[1],
    )
    if valued is aimed:
        return plan
    tell("costing the plan by the scenario's own penalties")
    how = Resolve(formulation=section.formulation, seed=scenario.seed, time_limit=limit, tell=tell)
    given = fixed(aimed, plan)
    own = how.plan(given) if given is not None else how.cost(plan, aimed)
    return costed(plan, own)


def aim(scenario: Scenario, tell: Tell) -> Calibrated:
    """The problem with the targets to plan for: the scenario's own, or calibrated ones."""
    section, problem = scenario.spec.fleet, scenario.fleet
    assert section is not None
    assert problem is not None
    simulation = scenario.simulation or Simulation()
    if not (section.calibrate or simulation.calibrate):
        return Calibrated(problem=problem, rounds=())
    return calibrated(
        problem,
        formulation=section.formulation,
        seed=scenario.seed,
        judge=lambda plan, turn: judged(plan, problem, simulation, seed=scenario.seed + CALIBRATION + turn),
        time_limit=section.time_limit or SOLVE_LIMIT,
        tell=tell,
    )


@told_as_fault()
def curve_of(scenario: Scenario, simulation: Simulation) -> Frontier:
    """The cost curve of a scenario as its ``[frontier]`` section says."""
    section, fleet = scenario.spec.frontier, scenario.spec.fleet
    assert section is not None
    assert fleet is not None
    assert scenario.fleet is not None
    return frontier(
        scenario.fleet,
        over=section.over,
        values=section.values,
        formulation=fleet.formulation,
        classes=section.classes,
        judge_samples=section.samples or simulation.samples,
        seed=scenario.seed,
        gap=fleet.gap,
        time_limit=fleet.time_limit or SOLVE_LIMIT,
        tolerance=section.tolerance,
        most_points=section.most_points,
    )
