"""Small fleets as scenario folders, each with an answer worked out by hand beside it."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import capacity_opt as co
from capacity_opt.scenario.waterfall import Resolve
from capacity_opt.scenario.worth import commitment_use

BASE = {
    "server_types": "server_type,cpu,price\nS,1,10\n",
    "zones": "zone\nz1\n",
    "classes": "class,cpu,penalty\nc,1,20\n",
}


def folder(path: Path, fleet: str = "", periods: int = 1, top: str = "", **tables: str) -> Path:
    """A scenario folder; tables beside the three that every fleet has are named in [fleet]."""
    named = "\n".join(f'{name} = "{name}.csv"' for name in tables if name not in (*BASE, "demand"))
    path.mkdir(parents=True, exist_ok=True)
    (path / "scenario.toml").write_text(
        f'schema_version = 1\nname = "small"\nseed = 3\n{top}\n[time]\nperiods = {periods}\n'
        '[demand]\nkind = "samples"\nfile = "demand.csv"\n'
        f'[fleet]\nresources = ["cpu"]\ncapital = "cash"\ninteger = false\ngap = 0.0\n{named}\n{fleet}\n'
    )
    for name, text in (BASE | tables).items():
        (path / f"{name}.csv").write_text(text)
    return path


def sized(path: Path, **how):
    scenario = co.read_scenario(path)
    section = scenario.spec.fleet
    return co.size_fleet(scenario.fleet, formulation=section.formulation, gap=0.0, seed=scenario.seed, **how)


@pytest.mark.parametrize(("penalty", "cost"), [(30, 100), (10, 60)])
def test_spot_that_is_there_half_of_the_time(tmp_path, penalty, cost):
    """Owning costs 10; relying on spot costs 0.5 x 2 + 0.5 x penalty: 16 or 6."""
    plan = sized(
        folder(
            tmp_path,
            classes=f"class,cpu,penalty\nc,1,{penalty}\n",
            demand="class,value\nc,10\n",
            options="option,kind,server_type,price,availability\nspot,spot,S,2,0.5\n",
        )
    )
    assert plan.objective == pytest.approx(cost)


def test_spot_over_two_periods_and_two_demands_is_every_combination(tmp_path):
    """One server serves both periods: 10. Spot costs 2 x (0.25 x 2 + 0.75 x 20) = 31 for the sure 4 units, and half of
    it, 15.5, for the 4 more of the high sample: all 8 are owned."""
    path = folder(
        tmp_path,
        periods=2,
        demand="class,sample,period,value\nc,low,,4\nc,high,,8\n",
        options="option,kind,server_type,price,availability\nspot,spot,S,2,0.25\n",
    )
    problem = co.read_scenario(path).fleet
    assert problem.disruptions.count == 2 * 4
    _, chance = problem.demand.draw(1, seed=0)
    gone = problem.disruptions.options[:, 0] == 0
    assert chance.sum() == pytest.approx(1)
    assert chance[gone.all(axis=1)].sum() == pytest.approx(0.75**2)
    assert sized(path).objective == pytest.approx(80)
    without = replace(problem, supply=replace(problem.supply, order_limit=np.zeros((1, 1, 2))))
    assert co.size_fleet(without, gap=0).objective == pytest.approx(6 * 31)


@pytest.mark.parametrize(
    "delays", ["delay_periods,probability\n1,0.3\n", "sample,delay_periods\nlate,1\n"], ids=["chance", "sample"]
)
def test_a_late_rack_is_a_sample(tmp_path, delays):
    """10 servers for 100; with probability 0.3 they come a period late, and 10 units go unmet at 20: 60 more."""
    demand = "class,value\nc,10\n"
    if "sample" in delays:
        demand = "sample,probability,class,value\nlate,0.3,c,10\nfine,0.7,c,10\n"
    path = folder(tmp_path, periods=2, demand=demand, delays=delays)
    plan = sized(path)
    assert plan.objective == pytest.approx(160)
    judged = co.simulate_fleet(plan, co.read_scenario(path).fleet, samples=50, seed=1)
    assert judged.total_cost.value == pytest.approx(160)
    assert judged.complete


def test_promise_and_judge_pay_the_same_for_a_late_rack(tmp_path):
    """Amortised over 4 periods at 2.5 for 10 servers, 3 of them in the horizon, late or not: 75; and 60 for what
    is short meanwhile."""
    path = folder(
        tmp_path,
        "",
        3,
        server_types="server_type,cpu,price,life_periods\nS,1,10,4\n",
        demand="class,value\nc,10\n",
        delays="delay_periods,probability\n1,0.3\n",
    )
    scenario = co.read_scenario(path, set=['fleet.capital="amortised"'])
    plan = co.size_fleet(scenario.fleet, gap=0.0)
    assert plan.objective == pytest.approx(75 + 60)
    assert co.simulate_fleet(plan, scenario.fleet, samples=50, seed=1).total_cost.value == pytest.approx(135)


def test_a_zone_lost_in_one_sample(tmp_path):
    """z1 costs 10, z2 15. z1 is lost in the storm (0.25), when each unit short costs 20: 5 a unit expected, which is
    just what z2 costs more; at a penalty of 24 z2 is cheaper."""
    for penalty, cost in ((16, 10 * 14), (24, 10 * 15)):
        plan = sized(
            folder(
                tmp_path / str(penalty),
                classes=f"class,cpu,penalty\nc,1,{penalty}\n",
                zones="zone\nz1\nz2\n",
                supply="server_type,zone,price\nS,z2,15\n",
                demand="sample,probability,class,value\nstorm,0.25,c,10\ncalm,0.75,c,10\n",
                outages="sample,zone\nstorm,z1\n",
            )
        )
        assert plan.objective == pytest.approx(cost)


def test_option_missing_in_the_sample_that_needs_it(tmp_path):
    """On demand at 4 is there in the low sample only: the low need is bought, the high one owned: 8 x 10."""
    path = folder(
        tmp_path,
        demand="sample,class,value\nlow,c,5\nhigh,c,8\n",
        options="option,kind,server_type,price\nod,on_demand,S,4\n",
        option_availability="option,sample\nod,high\n",
    )
    assert sized(path).objective == pytest.approx(80)
    (path / "option_availability.csv").write_text("option,sample\nod,low\n")
    assert sized(path).objective == pytest.approx(5 * 10 + 0.5 * 3 * 4)


def test_orders_as_recourse(tmp_path):
    """10 now at 10; 20 more at 12 in the high sample only: 100 + 0.5 x 240."""
    tables = {
        "demand": "sample,class,period,value\nlow,c,1,0\nlow,c,2,10\nhigh,c,1,0\nhigh,c,2,30\n",
        "supply": "server_type,period,price\nS,2,12\n",
        "classes": "class,cpu,penalty\nc,1,50\n",
    }
    assert sized(folder(tmp_path / "a", "recourse_from = 2", 2, **tables)).objective == pytest.approx(220)
    assert sized(folder(tmp_path / "b", "", 2, **tables)).objective == pytest.approx(300)


@pytest.mark.parametrize(("scope", "cost"), [("period", 100), ("joint", 180)])
def test_chance_per_period_and_joint(tmp_path, scope, cost):
    """Each period's high demand has probability 0.2, in different samples. Per period 10 servers do; jointly one of the
    two samples must be covered, the second one more cheaply: 10 more in period 2 at 8."""
    rows = "".join(f"s{s},c,1,{20 if s == 4 else 10}\ns{s},c,2,{20 if s == 0 else 10}\n" for s in range(5))
    path = folder(
        tmp_path,
        f'formulation = "chance"\nno_shortage_scope = "{scope}"',
        2,
        classes="class,cpu,no_shortage_probability\nc,1,0.8\n",
        demand=f"sample,class,period,value\n{rows}",
        supply="server_type,period,price\nS,2,8\n",
    )
    assert sized(path).objective == pytest.approx(cost)


@pytest.mark.parametrize(("weight", "cost"), [(0.0, 136), (0.5, 140), (1.0, 140)])
def test_risk_averse_newsvendor(tmp_path, weight, cost):
    """Price 1, penalty 4, demand 60 ... 140: at full weight on the worst fifth each of the last 20 saves 4 - 1."""
    rows = "".join(f"s{d},c,{d}\n" for d in (60, 80, 100, 120, 140))
    path = folder(
        tmp_path,
        f'formulation = "{"cvar" if weight else "two_stage"}"\nrisk_weight = {weight}\nrisk_level = 0.8',
        server_types="server_type,cpu,price\nS,1,1\n",
        classes="class,cpu,penalty\nc,1,4\n",
        demand=f"sample,class,value\n{rows}",
    )
    assert sized(path).objective == pytest.approx(cost)


def test_retirement_pays_for_itself(tmp_path):
    """10 servers at 5 in period 1; 6 of them leave (cost 2, salvage 1) and save 30: 50 + 20 + 6."""
    plan = sized(
        folder(
            tmp_path,
            periods=2,
            server_types="server_type,cpu,price,opex,retirable,retirement_cost,salvage\nS,1,10,5,yes,2,1\n",
            initial_stock="server_type,zone,servers\nS,z1,10\n",
            demand="class,period,value\nc,1,10\nc,2,4\n",
        )
    )
    assert plan.objective == pytest.approx(76)
    assert plan.retired.sum() == pytest.approx(6)


def test_servers_that_fail_are_replaced_when_they_are_missed(tmp_path):
    """100, 90, 81 of the old servers are left; 85 are needed: 4 are bought in period 3."""
    plan = sized(
        folder(
            tmp_path,
            periods=3,
            server_types="server_type,cpu,price,failure_rate\nS,1,10,0.1\n",
            initial_stock="server_type,zone,servers\nS,z1,100\n",
            demand="class,value\nc,85\n",
        )
    )
    assert plan.objective == pytest.approx(40)
    assert plan.stock[0, 0] == pytest.approx([100, 90, 85])


def test_peak_block_is_bought_base_is_owned(tmp_path):
    """On demand costs 40 a period: 10 in the peak's quarter. 40 servers at 24 for the base, 60 on demand."""
    path = folder(
        tmp_path,
        server_types="server_type,cpu,price\nS,1,24\n",
        classes="class,cpu,penalty\nc,1,1000\n",
        demand="class,block,value\nc,peak,100\nc,rest,40\n",
        options="option,kind,server_type,price\nod,on_demand,S,40\n",
    )
    text = (path / "scenario.toml").read_text()
    blocks = 'periods = 1\nblocks = [{ name = "peak", hours = 6 }, { name = "rest", hours = 18 }]'
    (path / "scenario.toml").write_text(text.replace("periods = 1", blocks))
    assert sized(path).objective == pytest.approx(960 + 600)


def test_commitment_covers_what_runs_all_year(tmp_path):
    """12 months at 6 whether used or not against 10 for use: the 4 that run all year are committed."""
    rows = "".join(f"c,{t},{10 if t <= 6 else 4}\n" for t in range(1, 13))
    plan = sized(
        folder(
            tmp_path,
            periods=12,
            server_types="server_type,cpu,price,order_limit\nS,1,10,0\n",
            classes="class,cpu,penalty\nc,1,1000\n",
            demand=f"class,period,value\n{rows}",
            options="option,kind,server_type,price,term_months\nod,on_demand,S,10,\nyear,commitment,S,6,12\n",
        )
    )
    assert plan.objective == pytest.approx(4 * 72 + 6 * 6 * 10)
    assert plan.committed.sum() == pytest.approx(4)
    resolve = Resolve(formulation="two_stage", seed=3, time_limit=60.0, tell=lambda _: None)
    used = commitment_use(co.read_scenario(tmp_path).fleet, plan, resolve).columns
    assert used["coverage"] == pytest.approx([48 / 84])
    assert used["utilization"] == pytest.approx([1])
    assert used["effective_savings_rate"] == pytest.approx([48 / 84 * (1 - 0.6)])


def test_spill_goes_where_it_is_cheapest_and_allowed(tmp_path):
    """Servers cost 10 in a, 6 in b and 5 in c. Demand of a may go to b for 3 or c for 7: b, 9 a unit. Not allowed
    there: at home."""
    tables = {
        "zones": "zone,region\nza,a\nzb,b\nzc,c\n",
        "supply": "server_type,zone,price\nS,za,10\nS,zb,6\nS,zc,5\n",
        "demand": "class,region,value\nc,a,10\n",
        "classes": "class,cpu,penalty,allowed_regions,spill_cost\nc,1,100,b|c,3\n",
    }
    one = sized(folder(tmp_path / "one", spill="class,home_region,region,spill_cost\nc,a,c,7\n", **tables))
    assert one.objective == pytest.approx(90)
    two = sized(folder(tmp_path / "two", spill="region,allowed,spill_cost\nb,no,\nc,yes,7\n", **tables))
    assert two.objective == pytest.approx(100)


LAST = "server_type,zone,order_period,racks\nS,z1,1,10\n"


def test_changing_the_last_plan_costs_money(tmp_path):
    """Demand is 4, the last plan ordered 10: 40, and 2 for each of 6 racks less."""
    types = "server_type,cpu,price,change_cost\nS,1,10,2\n"
    plan = sized(folder(tmp_path, server_types=types, demand="class,value\nc,4\n", last_plan=LAST))
    assert plan.objective == pytest.approx(40 + 12)


def test_the_last_plan_is_kept_or_changed_by_half(tmp_path):
    """Demand is 7, the last plan ordered 10: either 10 (100), or 5 with 2 short at 20 (90)."""
    plan = sized(folder(tmp_path, "minimum_change = 0.5", demand="class,value\nc,7\n", last_plan=LAST))
    assert plan.objective == pytest.approx(90)
    assert plan.racks.sum() == pytest.approx(5)


@pytest.mark.parametrize(("quantile", "servers"), [(1.0, 20), (0.7, 12)])
def test_zone_loss_survived_in_a_share_of_samples(tmp_path, quantile, servers):
    """Without one of two zones all demand must be served: twice the demand of the worst sample that is protected."""
    plan = sized(
        folder(
            tmp_path,
            f"protected_quantile = {quantile}",
            zones="zone,region\nz1,r\nz2,r\n",
            classes="class,cpu,penalty,protected_share\nc,1,20,1\n",
            demand="sample,probability,class,value\na,0.7,c,6\nb,0.3,c,10\n",
        )
    )
    assert plan.stock.sum() == pytest.approx(servers)


def test_order_minimum_and_whole_racks_by_enumeration(tmp_path):
    """Racks of 3, at least 2 an order, over two periods: every pair of orders costed."""
    path = folder(
        tmp_path,
        "integer = true",
        2,
        server_types="server_type,cpu,price,opex,lot,order_minimum,order_limit\nS,1,10,1,3,2,4\n",
        demand="class,period,value\nc,1,4\nc,2,11\n",
        classes="class,cpu,penalty\nc,1,9\n",
    )
    text = (path / "scenario.toml").read_text().replace("integer = false\n", "")
    (path / "scenario.toml").write_text(text)
    allowed = (0, 2, 3, 4)

    def cost(first: int, second: int) -> float:
        stock = (3 * first, 3 * (first + second))
        short = sum(max(d - n, 0) for d, n in zip((4, 11), stock, strict=True))
        return 30 * (first + second) + sum(stock) + 9 * short

    assert sized(path).objective == pytest.approx(min(cost(a, b) for a, b in itertools.product(allowed, allowed)))


def test_a_sample_that_demand_does_not_have_is_told_with_its_place(tmp_path):
    path = folder(
        tmp_path,
        demand="sample,class,value\nlow,c,5\nhigh,c,8\n",
        delays="sample,delay_periods\nhgih,1\n",
        outages="sample,zone\n,z1\n",
    )
    with pytest.raises(co.ScenarioError) as caught:
        co.read_scenario(path)
    told = str(caught.value)
    assert "delays.csv:2:sample = 'hgih'" in told
    assert "Did you mean 'high'" in told
    assert "outages.csv:2:probability" in told
