"""capacity_opt decides how much cloud capacity and inventory to buy, hold and promise, and proves that it was right.

The public names are loaded when first used, so ``import capacity_opt`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capacity_opt.admission.bid_prices import BidPrices, network_bid_prices, randomized_bid_prices
    from capacity_opt.admission.booking_limits import (
        BookingLimits,
        approximate_booking_limits,
        evaluate_booking_limits,
        littlewood,
        optimize_booking_limits,
    )
    from capacity_opt.admission.commitment import Commitment, optimize_commitment
    from capacity_opt.admission.critical_levels import CriticalLevels, fluid_revenue, tune_critical_levels
    from capacity_opt.admission.decide import AdmissionRule, Decision, decide
    from capacity_opt.admission.engset import Engset, engset
    from capacity_opt.admission.erlang import (
        ErlangC,
        batch_peakedness,
        erlang_b,
        erlang_c,
        hayward_blocking,
        load_for_blocking,
        servers_for_blocking,
    )
    from capacity_opt.admission.multirate import MultirateLoss, multirate_loss
    from capacity_opt.admission.network import NetworkLoss, approximate_network_loss, network_loss
    from capacity_opt.admission.overcommit import (
        Overcommit,
        SpotFill,
        capacity_for_usage,
        fill_with_spot,
        overbooking_limit,
        predict_peak,
        tune_overcommit,
    )
    from capacity_opt.admission.packing import BinBounds, bound_bins
    from capacity_opt.admission.placement_score import PlacementScore, placement_score
    from capacity_opt.admission.simulate import SimulatedLoss, simulate_admission
    from capacity_opt.demand.assorted import Assorted
    from capacity_opt.demand.compound import CompoundPoisson
    from capacity_opt.demand.counts import NegativeBinomial, Poisson
    from capacity_opt.demand.empirical import Empirical
    from capacity_opt.demand.horizon import CumulativeQuantiles, DemandByPeriod, PathForecast
    from capacity_opt.demand.lattice import Histogram, Pmf
    from capacity_opt.demand.lead_time import lead_time_demand
    from capacity_opt.demand.mixture import Mixture
    from capacity_opt.demand.parametric import Deterministic, Gamma, LogNormal, Normal, Uniform
    from capacity_opt.demand.paths import CopulaPaths, FixedDemand, GivenSamples
    from capacity_opt.demand.protocol import Demand
    from capacity_opt.demand.quantiles import QuantileDemand
    from capacity_opt.errors import (
        ArgumentError,
        CapacityError,
        InfeasibleError,
        LimitError,
        PartError,
        RunFolderError,
        ScenarioError,
        SolverError,
        UnboundedError,
        VerificationError,
    )
    from capacity_opt.executor import Executor, executor_named
    from capacity_opt.fleet.alternatives import alternative_plans
    from capacity_opt.fleet.commitments import CommitmentUse, measure_commitments
    from capacity_opt.fleet.decomposition.exporting import export_smps
    from capacity_opt.fleet.differences import price_by_difference
    from capacity_opt.fleet.placement import place_plan, place_servers
    from capacity_opt.fleet.reference import build_reference, export_model, solve_reference
    from capacity_opt.fleet.size import evaluate_fleet, size_fleet
    from capacity_opt.fleet.uncertainty import ValueOfUncertainty, value_of_uncertainty
    from capacity_opt.forecast.history import History, PeriodCalendar
    from capacity_opt.forecast.quantile_forecast import QuantileForecast
    from capacity_opt.frontier import Frontier, FrontierPoint, frontier
    from capacity_opt.inventory.base_stock import BaseStockResult, evaluate_base_stock, optimize_base_stock
    from capacity_opt.inventory.budget import (
        BudgetCurve,
        SharedLimitResult,
        optimize_aggregate_service,
        optimize_newsvendor_budget,
        sweep_newsvendor_budget,
    )
    from capacity_opt.inventory.disruption import (
        DisruptedBaseStock,
        DisruptedOrderQuantity,
        disrupted_lead_time,
        evaluate_disrupted_base_stock,
        evaluate_disrupted_order_quantity,
        optimize_disrupted_base_stock,
        optimize_disrupted_order_quantity,
    )
    from capacity_opt.inventory.eoq import EOQResult, evaluate_eoq, optimize_eoq
    from capacity_opt.inventory.explain import Calendar, OrderLines, explain_line, explain_orders
    from capacity_opt.inventory.finite_horizon import (
        FiniteHorizonResult,
        evaluate_finite_horizon,
        optimize_finite_horizon,
    )
    from capacity_opt.inventory.guaranteed_service import (
        GuaranteedServicePlan,
        evaluate_guaranteed_service,
        optimize_guaranteed_service,
    )
    from capacity_opt.inventory.joint_replenishment import (
        JointReplenishmentResult,
        evaluate_joint_replenishment,
        optimize_joint_replenishment,
    )
    from capacity_opt.inventory.lost_sales import (
        LostSales,
        LostSalesBaseStock,
        LostSalesCappedBaseStock,
        LostSalesProjectedLevel,
        evaluate_lost_sales,
        optimize_capped_base_stock,
        optimize_lost_sales_base_stock,
        optimize_projected_inventory_level,
    )
    from capacity_opt.inventory.lost_sales_optimal import OptimalLostSales, optimize_lost_sales
    from capacity_opt.inventory.lot_size import CapacitatedLotSizeResult, optimize_capacitated_lot_size
    from capacity_opt.inventory.newsvendor import NewsvendorResult, evaluate_newsvendor, optimize_newsvendor
    from capacity_opt.inventory.one_for_one import (
        LostSalesOneForOne,
        OneForOne,
        evaluate_lost_sales_one_for_one,
        evaluate_one_for_one,
        optimize_lost_sales_one_for_one,
    )
    from capacity_opt.inventory.quantity_discount import (
        DiscountResult,
        optimize_all_units_discount,
        optimize_incremental_discount,
    )
    from capacity_opt.inventory.rounding import RoundedOrders, RoundingRules, RoundingStep, round_orders
    from capacity_opt.inventory.rq import RQResult, evaluate_rq, optimize_rq
    from capacity_opt.inventory.rq_approximate import ApproximateRQ, approximate_rq
    from capacity_opt.inventory.serial import (
        SerialBaseStock,
        SerialBounds,
        bound_serial,
        evaluate_serial,
        optimize_serial,
    )
    from capacity_opt.inventory.set_aside import SetAside, set_aside
    from capacity_opt.inventory.ss import SSResult, evaluate_ss, optimize_ss
    from capacity_opt.inventory.ss_approximate import PowerApproximation, optimize_ss_power_approximation
    from capacity_opt.inventory.two_echelon import (
        TwoEchelonAllocation,
        TwoEchelonStock,
        approximate_two_echelon,
        evaluate_two_echelon,
        optimize_two_echelon,
    )
    from capacity_opt.inventory.wagner_whitin import LotSizeResult, evaluate_lot_size, optimize_wagner_whitin
    from capacity_opt.problem.fleet import FleetProblem
    from capacity_opt.problem.item import Item
    from capacity_opt.problem.network import DepotAndBases, GuaranteedServiceTree, GuaranteedStage, SerialSystem
    from capacity_opt.problem.placement import PlacedRack, PlacedRow, Placement, RackTypes, Room, Rows
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
    from capacity_opt.report.publish import run_scenario
    from capacity_opt.scenario.read import Scenario, read_scenario
    from capacity_opt.simulation.backtest import Backtest, backtest_quantiles
    from capacity_opt.simulation.calibration import Calibration, calibrate
    from capacity_opt.simulation.estimate import Estimate
    from capacity_opt.simulation.failures import FailureModel
    from capacity_opt.simulation.fleet import simulate_fleet
    from capacity_opt.simulation.inventory import simulate
    from capacity_opt.simulation.judgement import FleetJudgement
    from capacity_opt.simulation.lead_times import LeadTimeProcess
    from capacity_opt.simulation.paired import compare_costs, compare_plans
    from capacity_opt.simulation.replay import ReplayResult, replay
    from capacity_opt.simulation.result import SimulationResult
    from capacity_opt.simulation.rolling import RollingResult, roll_fleet
    from capacity_opt.simulation.verdict import Verdict
    from capacity_opt.solvers.stochastic.smps import StochasticProgram, read_smps
    from capacity_opt.solvers.stochastic.smps_writer import write_smps
    from capacity_opt.solvers.stochastic.solve import StochasticSolution, solve_stochastic

__version__ = "0.1.0"

_HOMES = {
    "AdmissionRule": "admission.decide",
    "ApproximateRQ": "inventory.rq_approximate",
    "ArgumentError": "errors",
    "Assorted": "demand.assorted",
    "Backtest": "simulation.backtest",
    "BaseStock": "problem.policies",
    "BaseStockResult": "inventory.base_stock",
    "BidPrices": "admission.bid_prices",
    "BinBounds": "admission.packing",
    "BookingLimits": "admission.booking_limits",
    "BudgetCurve": "inventory.budget",
    "Calendar": "inventory.explain",
    "Calibration": "simulation.calibration",
    "CapacitatedLotSizeResult": "inventory.lot_size",
    "CapacityError": "errors",
    "CappedBaseStock": "problem.policies",
    "Commitment": "admission.commitment",
    "CommitmentUse": "fleet.commitments",
    "CompoundPoisson": "demand.compound",
    "CopulaPaths": "demand.paths",
    "CriticalLevels": "admission.critical_levels",
    "CumulativeQuantiles": "demand.horizon",
    "Decision": "admission.decide",
    "Demand": "demand.protocol",
    "DemandByPeriod": "demand.horizon",
    "DepotAndBases": "problem.network",
    "Deterministic": "demand.parametric",
    "DiscountResult": "inventory.quantity_discount",
    "DisruptedBaseStock": "inventory.disruption",
    "DisruptedOrderQuantity": "inventory.disruption",
    "EOQResult": "inventory.eoq",
    "EchelonBaseStock": "problem.policies",
    "Empirical": "demand.empirical",
    "Engset": "admission.engset",
    "ErlangC": "admission.erlang",
    "Estimate": "simulation.estimate",
    "Executor": "executor",
    "FailureModel": "simulation.failures",
    "FiniteHorizonResult": "inventory.finite_horizon",
    "FixedDemand": "demand.paths",
    "FleetJudgement": "simulation.judgement",
    "FleetPlan": "problem.plan",
    "FleetProblem": "problem.fleet",
    "Frontier": "frontier",
    "FrontierPoint": "frontier",
    "Gamma": "demand.parametric",
    "GivenSamples": "demand.paths",
    "GuaranteedServicePlan": "inventory.guaranteed_service",
    "GuaranteedServiceTree": "problem.network",
    "GuaranteedStage": "problem.network",
    "Histogram": "demand.lattice",
    "History": "forecast.history",
    "InfeasibleError": "errors",
    "Item": "problem.item",
    "JointReplenishmentResult": "inventory.joint_replenishment",
    "LeadTimeProcess": "simulation.lead_times",
    "LimitError": "errors",
    "LogNormal": "demand.parametric",
    "LostSales": "inventory.lost_sales",
    "LostSalesBaseStock": "inventory.lost_sales",
    "LostSalesCappedBaseStock": "inventory.lost_sales",
    "LostSalesOneForOne": "inventory.one_for_one",
    "LostSalesProjectedLevel": "inventory.lost_sales",
    "LotSizeResult": "inventory.wagner_whitin",
    "Mixture": "demand.mixture",
    "MultirateLoss": "admission.multirate",
    "NegativeBinomial": "demand.counts",
    "NetworkLoss": "admission.network",
    "NewsvendorResult": "inventory.newsvendor",
    "Normal": "demand.parametric",
    "OneForOne": "inventory.one_for_one",
    "OptimalLostSales": "inventory.lost_sales_optimal",
    "OrderLines": "inventory.explain",
    "Overcommit": "admission.overcommit",
    "PartError": "errors",
    "PathForecast": "demand.horizon",
    "PeriodCalendar": "forecast.history",
    "PlacedRack": "problem.placement",
    "PlacedRow": "problem.placement",
    "Placement": "problem.placement",
    "PlacementScore": "admission.placement_score",
    "Pmf": "demand.lattice",
    "Poisson": "demand.counts",
    "PowerApproximation": "inventory.ss_approximate",
    "ProjectedInventoryLevel": "problem.policies",
    "QuantileDemand": "demand.quantiles",
    "QuantileForecast": "forecast.quantile_forecast",
    "RQResult": "inventory.rq",
    "RackTypes": "problem.placement",
    "ReorderPointOrderQuantity": "problem.policies",
    "ReorderPointOrderUpTo": "problem.policies",
    "ReplayResult": "simulation.replay",
    "RollingResult": "simulation.rolling",
    "Room": "problem.placement",
    "RoundedOrders": "inventory.rounding",
    "RoundingRules": "inventory.rounding",
    "RoundingStep": "inventory.rounding",
    "Rows": "problem.placement",
    "RunFolderError": "errors",
    "SSResult": "inventory.ss",
    "Scenario": "scenario.read",
    "ScenarioError": "errors",
    "SerialBaseStock": "inventory.serial",
    "SerialBounds": "inventory.serial",
    "SerialSystem": "problem.network",
    "SetAside": "inventory.set_aside",
    "SharedLimitResult": "inventory.budget",
    "SimulatedLoss": "admission.simulate",
    "SimulationResult": "simulation.result",
    "SolverError": "errors",
    "SpotFill": "admission.overcommit",
    "StochasticProgram": "solvers.stochastic.smps",
    "StochasticSolution": "solvers.stochastic.solve",
    "TimeVaryingOrderUpTo": "problem.policies",
    "TwoEchelonAllocation": "inventory.two_echelon",
    "TwoEchelonStock": "inventory.two_echelon",
    "UnboundedError": "errors",
    "Uniform": "demand.parametric",
    "ValueOfUncertainty": "fleet.uncertainty",
    "Verdict": "simulation.verdict",
    "VerificationError": "errors",
    "alternative_plans": "fleet.alternatives",
    "approximate_booking_limits": "admission.booking_limits",
    "approximate_network_loss": "admission.network",
    "approximate_rq": "inventory.rq_approximate",
    "approximate_two_echelon": "inventory.two_echelon",
    "backtest_quantiles": "simulation.backtest",
    "batch_peakedness": "admission.erlang",
    "bound_bins": "admission.packing",
    "bound_serial": "inventory.serial",
    "build_reference": "fleet.reference",
    "calibrate": "simulation.calibration",
    "capacity_for_usage": "admission.overcommit",
    "compare_costs": "simulation.paired",
    "compare_plans": "simulation.paired",
    "decide": "admission.decide",
    "disrupted_lead_time": "inventory.disruption",
    "engset": "admission.engset",
    "erlang_b": "admission.erlang",
    "erlang_c": "admission.erlang",
    "evaluate_base_stock": "inventory.base_stock",
    "evaluate_booking_limits": "admission.booking_limits",
    "evaluate_disrupted_base_stock": "inventory.disruption",
    "evaluate_disrupted_order_quantity": "inventory.disruption",
    "evaluate_eoq": "inventory.eoq",
    "evaluate_finite_horizon": "inventory.finite_horizon",
    "evaluate_fleet": "fleet.size",
    "evaluate_guaranteed_service": "inventory.guaranteed_service",
    "evaluate_joint_replenishment": "inventory.joint_replenishment",
    "evaluate_lost_sales": "inventory.lost_sales",
    "evaluate_lost_sales_one_for_one": "inventory.one_for_one",
    "evaluate_lot_size": "inventory.wagner_whitin",
    "evaluate_newsvendor": "inventory.newsvendor",
    "evaluate_one_for_one": "inventory.one_for_one",
    "evaluate_rq": "inventory.rq",
    "evaluate_serial": "inventory.serial",
    "evaluate_ss": "inventory.ss",
    "evaluate_two_echelon": "inventory.two_echelon",
    "executor_named": "executor",
    "explain_line": "inventory.explain",
    "explain_orders": "inventory.explain",
    "export_model": "fleet.reference",
    "export_smps": "fleet.decomposition.exporting",
    "fill_with_spot": "admission.overcommit",
    "fluid_revenue": "admission.critical_levels",
    "frontier": "frontier",
    "hayward_blocking": "admission.erlang",
    "lead_time_demand": "demand.lead_time",
    "littlewood": "admission.booking_limits",
    "load_for_blocking": "admission.erlang",
    "measure_commitments": "fleet.commitments",
    "multirate_loss": "admission.multirate",
    "network_bid_prices": "admission.bid_prices",
    "network_loss": "admission.network",
    "optimize_aggregate_service": "inventory.budget",
    "optimize_all_units_discount": "inventory.quantity_discount",
    "optimize_base_stock": "inventory.base_stock",
    "optimize_booking_limits": "admission.booking_limits",
    "optimize_capacitated_lot_size": "inventory.lot_size",
    "optimize_capped_base_stock": "inventory.lost_sales",
    "optimize_commitment": "admission.commitment",
    "optimize_disrupted_base_stock": "inventory.disruption",
    "optimize_disrupted_order_quantity": "inventory.disruption",
    "optimize_eoq": "inventory.eoq",
    "optimize_finite_horizon": "inventory.finite_horizon",
    "optimize_guaranteed_service": "inventory.guaranteed_service",
    "optimize_incremental_discount": "inventory.quantity_discount",
    "optimize_joint_replenishment": "inventory.joint_replenishment",
    "optimize_lost_sales": "inventory.lost_sales_optimal",
    "optimize_lost_sales_base_stock": "inventory.lost_sales",
    "optimize_lost_sales_one_for_one": "inventory.one_for_one",
    "optimize_newsvendor": "inventory.newsvendor",
    "optimize_newsvendor_budget": "inventory.budget",
    "optimize_projected_inventory_level": "inventory.lost_sales",
    "optimize_rq": "inventory.rq",
    "optimize_serial": "inventory.serial",
    "optimize_ss": "inventory.ss",
    "optimize_ss_power_approximation": "inventory.ss_approximate",
    "optimize_two_echelon": "inventory.two_echelon",
    "optimize_wagner_whitin": "inventory.wagner_whitin",
    "overbooking_limit": "admission.overcommit",
    "place_plan": "fleet.placement",
    "place_servers": "fleet.placement",
    "placement_score": "admission.placement_score",
    "predict_peak": "admission.overcommit",
    "price_by_difference": "fleet.differences",
    "randomized_bid_prices": "admission.bid_prices",
    "read_scenario": "scenario.read",
    "read_smps": "solvers.stochastic.smps",
    "replay": "simulation.replay",
    "roll_fleet": "simulation.rolling",
    "round_orders": "inventory.rounding",
    "run_scenario": "report.publish",
    "servers_for_blocking": "admission.erlang",
    "set_aside": "inventory.set_aside",
    "simulate": "simulation.inventory",
    "simulate_admission": "admission.simulate",
    "simulate_fleet": "simulation.fleet",
    "size_fleet": "fleet.size",
    "solve_reference": "fleet.reference",
    "solve_stochastic": "solvers.stochastic.solve",
    "sweep_newsvendor_budget": "inventory.budget",
    "tune_critical_levels": "admission.critical_levels",
    "tune_overcommit": "admission.overcommit",
    "value_of_uncertainty": "fleet.uncertainty",
    "write_smps": "solvers.stochastic.smps_writer",
}

__all__ = [
    "AdmissionRule",
    "ApproximateRQ",
    "ArgumentError",
    "Assorted",
    "Backtest",
    "BaseStock",
    "BaseStockResult",
    "BidPrices",
    "BinBounds",
    "BookingLimits",
    "BudgetCurve",
    "Calendar",
    "Calibration",
    "CapacitatedLotSizeResult",
    "CapacityError",
    "CappedBaseStock",
    "Commitment",
    "CommitmentUse",
    "CompoundPoisson",
    "CopulaPaths",
    "CriticalLevels",
    "CumulativeQuantiles",
    "Decision",
    "Demand",
    "DemandByPeriod",
    "DepotAndBases",
    "Deterministic",
    "DiscountResult",
    "DisruptedBaseStock",
    "DisruptedOrderQuantity",
    "EOQResult",
    "EchelonBaseStock",
    "Empirical",
    "Engset",
    "ErlangC",
    "Estimate",
    "Executor",
    "FailureModel",
    "FiniteHorizonResult",
    "FixedDemand",
    "FleetJudgement",
    "FleetPlan",
    "FleetProblem",
    "Frontier",
    "FrontierPoint",
    "Gamma",
    "GivenSamples",
    "GuaranteedServicePlan",
    "GuaranteedServiceTree",
    "GuaranteedStage",
    "Histogram",
    "History",
    "InfeasibleError",
    "Item",
    "JointReplenishmentResult",
    "LeadTimeProcess",
    "LimitError",
    "LogNormal",
    "LostSales",
    "LostSalesBaseStock",
    "LostSalesCappedBaseStock",
    "LostSalesOneForOne",
    "LostSalesProjectedLevel",
    "LotSizeResult",
    "Mixture",
    "MultirateLoss",
    "NegativeBinomial",
    "NetworkLoss",
    "NewsvendorResult",
    "Normal",
    "OneForOne",
    "OptimalLostSales",
    "OrderLines",
    "Overcommit",
    "PartError",
    "PathForecast",
    "PeriodCalendar",
    "PlacedRack",
    "PlacedRow",
    "Placement",
    "PlacementScore",
    "Pmf",
    "Poisson",
    "PowerApproximation",
    "ProjectedInventoryLevel",
    "QuantileDemand",
    "QuantileForecast",
    "RQResult",
    "RackTypes",
    "ReorderPointOrderQuantity",
    "ReorderPointOrderUpTo",
    "ReplayResult",
    "RollingResult",
    "Room",
    "RoundedOrders",
    "RoundingRules",
    "RoundingStep",
    "Rows",
    "RunFolderError",
    "SSResult",
    "Scenario",
    "ScenarioError",
    "SerialBaseStock",
    "SerialBounds",
    "SerialSystem",
    "SetAside",
    "SharedLimitResult",
    "SimulatedLoss",
    "SimulationResult",
    "SolverError",
    "SpotFill",
    "StochasticProgram",
    "StochasticSolution",
    "TimeVaryingOrderUpTo",
    "TwoEchelonAllocation",
    "TwoEchelonStock",
    "UnboundedError",
    "Uniform",
    "ValueOfUncertainty",
    "Verdict",
    "VerificationError",
    "__version__",
    "alternative_plans",
    "approximate_booking_limits",
    "approximate_network_loss",
    "approximate_rq",
    "approximate_two_echelon",
    "backtest_quantiles",
    "batch_peakedness",
    "bound_bins",
    "bound_serial",
    "build_reference",
    "calibrate",
    "capacity_for_usage",
    "compare_costs",
    "compare_plans",
    "decide",
    "disrupted_lead_time",
    "engset",
    "erlang_b",
    "erlang_c",
    "evaluate_base_stock",
    "evaluate_booking_limits",
    "evaluate_disrupted_base_stock",
    "evaluate_disrupted_order_quantity",
    "evaluate_eoq",
    "evaluate_finite_horizon",
    "evaluate_fleet",
    "evaluate_guaranteed_service",
    "evaluate_joint_replenishment",
    "evaluate_lost_sales",
    "evaluate_lost_sales_one_for_one",
    "evaluate_lot_size",
    "evaluate_newsvendor",
    "evaluate_one_for_one",
    "evaluate_rq",
    "evaluate_serial",
    "evaluate_ss",
    "evaluate_two_echelon",
    "executor_named",
    "explain_line",
    "explain_orders",
    "export_model",
    "export_smps",
    "fill_with_spot",
    "fluid_revenue",
    "frontier",
    "hayward_blocking",
    "lead_time_demand",
    "littlewood",
    "load_for_blocking",
    "measure_commitments",
    "multirate_loss",
    "network_bid_prices",
    "network_loss",
    "optimize_aggregate_service",
    "optimize_all_units_discount",
    "optimize_base_stock",
    "optimize_booking_limits",
    "optimize_capacitated_lot_size",
    "optimize_capped_base_stock",
    "optimize_commitment",
    "optimize_disrupted_base_stock",
    "optimize_disrupted_order_quantity",
    "optimize_eoq",
    "optimize_finite_horizon",
    "optimize_guaranteed_service",
    "optimize_incremental_discount",
    "optimize_joint_replenishment",
    "optimize_lost_sales",
    "optimize_lost_sales_base_stock",
    "optimize_lost_sales_one_for_one",
    "optimize_newsvendor",
    "optimize_newsvendor_budget",
    "optimize_projected_inventory_level",
    "optimize_rq",
    "optimize_serial",
    "optimize_ss",
    "optimize_ss_power_approximation",
    "optimize_two_echelon",
    "optimize_wagner_whitin",
    "overbooking_limit",
    "place_plan",
    "place_servers",
    "placement_score",
    "predict_peak",
    "price_by_difference",
    "randomized_bid_prices",
    "read_scenario",
    "read_smps",
    "replay",
    "roll_fleet",
    "round_orders",
    "run_scenario",
    "servers_for_blocking",
    "set_aside",
    "simulate",
    "simulate_admission",
    "simulate_fleet",
    "size_fleet",
    "solve_reference",
    "solve_stochastic",
    "sweep_newsvendor_budget",
    "tune_critical_levels",
    "tune_overcommit",
    "value_of_uncertainty",
    "write_smps",
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
