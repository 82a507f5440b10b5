"""Levers of utilization: equal availability, parts that sum to the total, and timing of the cash."""

import math

import numpy as np
import pytest
from click.testing import CliRunner

import capacity_opt as co
from capacity_opt.cli import cli
from capacity_opt.report.contents import read_run
from capacity_opt.report.sections import build
from capacity_opt.scenario.lever_kinds import chained, levers_of
from capacity_opt.scenario.levers import absorbed_in, study_levers
from capacity_opt.scenario.spec_admission import Levers
from tests.scenario.small import FILES, write


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("levers") / "s")
    text = FILES["scenario.toml"].partition("[inventory]")[0] + "[simulation]\nsamples = 50\n"
    (folder / "scenario.toml").write_text(text)
    return folder, co.read_scenario(folder).fleet


@pytest.fixture(scope="module")
def study(problem):
    section = Levers(samples=15, overcommit={"vcpu": 1.2}, spot_price=5.0, lead_time=0, curve=[2.0, 1.0])
    return study_levers(problem[1], section, formulation="two_stage", seed=3, per_year=12.0)


def test_parts_sum_to_the_total_and_no_class_is_served_less(study):
    assert [part.lever.name for part in study.parts] == ["forecast_error", "pooling", "overcommit", "spot_fill"]
    assert math.fsum(part.saving for part in study.parts) == pytest.approx(study.total, rel=1e-9)
    assert study.total > 0
    assert study.worst_fill_change >= -1e-6
    for part in study.parts:
        assert part.saving >= -1e-6
        assert part.first_in >= -1e-6
    assert study.parts[0].first_in == pytest.approx(study.parts[0].saving)
    assert study.parts[-1].last_in == pytest.approx(study.parts[-1].saving)


def test_utilization_rises_with_the_levers_and_the_curve_holds_today(study):
    assert study.parts[-1].after.utilization > study.today.utilization
    now = [state for every, multiple, state in study.curve if not every and multiple == 1.0]
    assert now[0].cost == pytest.approx(study.today.cost, rel=1e-6)
    cheaper = [state for every, multiple, state in study.curve if not every and multiple == 2.0]
    assert cheaper[0].cost <= now[0].cost + 1e-6


def test_a_lever_that_would_change_nothing_is_not_told(problem):
    fleet = problem[1]
    off = Levers(pooling=False, forecast_error=0.0, lead_time=0)
    assert levers_of(fleet, off) == []
    names = [lever.name for lever in levers_of(fleet, off, admission_factor=1.05)]
    assert names == ["admission"]


def test_a_chain_gives_each_class_one_more_type(problem):
    fleet = problem[1]
    assert fleet.groups.compatible.all()
    from dataclasses import replace

    narrow = np.zeros_like(fleet.groups.compatible)
    narrow[:, 0] = True
    given = replace(fleet, groups=replace(fleet.groups, compatible=narrow))
    assert chained(given).sum(axis=1).tolist() == [2] * len(narrow)


def test_cash_arrives_as_growth_absorbs_what_is_freed():
    assert 365 * absorbed_in(1 - 65 / 66, 0.2) == pytest.approx(28.1, abs=0.1)
    assert absorbed_in(0.01, 0.0) == math.inf
    assert absorbed_in(0.0, -0.1) == 0.0


def test_the_command_tells_and_a_run_with_the_section_has_the_tables(problem, tmp_path):
    folder = str(problem[0])
    small = ["--set", "levers.samples=5", "--set", "levers.lead_time=0", "--set", "levers.curve=[1.0]"]
    told = CliRunner().invoke(cli, ["levers", folder, "-q", *small], standalone_mode=False)
    assert told.return_value == 0, told.output
    assert "at equal availability of every class" in told.stdout
    settings = [
        "levers.samples=5",
        "levers.lead_time=0",
        "levers.forecast_error=0",
        "levers.curve=[1.0]",
        "simulation.samples=20",
    ]
    result = co.run_scenario(folder, out=tmp_path, set=[*settings, "report.workbook=false", "report.html=false"])
    levers = result.tables["levers"].columns
    assert levers["lever"][0] == "today"
    assert levers["lever"][-1] == "total"
    assert sum(levers["EffectiveCost"][:-1]) == pytest.approx(levers["EffectiveCost"][-1], rel=1e-9)
    section = next(part for part in build(read_run(result.folder)) if part.key == "levers")
    assert "checked: no class falls" in section.lead
    assert len(section.charts) == 2


def test_overcommit_of_an_unknown_resource_is_a_fault_with_its_place(problem):
    found = CliRunner().invoke(cli, ["levers", str(problem[0]), "--json", "--set", "levers.overcommit.gpu=1.2"])
    assert found.exit_code != 0
    with pytest.raises(co.ScenarioError, match="overcommit names a resource that is not there"):
        co.read_scenario(problem[0], set=["levers.overcommit.gpu=1.2"])
