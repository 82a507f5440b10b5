"""LP and MPS files say the same as the model they were written from."""

import pytest

from capacity_opt.errors import ArgumentError
from capacity_opt.fleet.example import example_problem
from capacity_opt.fleet.reference import build_reference, export_model, write_model
from capacity_opt.fleet.size import size_fleet
from capacity_opt.solvers.highs_engine import new_highs
from tests.agreement.random_fleets import random_fleet
from tests.fleet_problems import toy3, toy8


def optimum(path):
    engine = new_highs()
    engine.readModel(str(path))
    engine.setOptionValue("mip_rel_gap", 0.0)
    engine.run()
    assert engine.getModelStatus().name == "kOptimal"
    return engine.getObjectiveValue()


@pytest.mark.parametrize("suffix", [".lp", ".mps", ".MPS"])
@pytest.mark.parametrize("make", [example_problem, toy8, lambda: toy3(0.9)])
def test_an_exported_model_has_the_same_optimum(tmp_path, make, suffix):
    problem = make()
    path = export_model(problem, tmp_path / f"model{suffix}")
    assert optimum(path) == pytest.approx(size_fleet(problem, gap=0.0).objective)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_names_are_in_the_file(tmp_path):
    text = export_model(example_problem(), tmp_path / "model.lp").read_text()
    assert "racks(standard_eu_west_a_2027_01)" in text
    assert "stock_balance(standard_eu_west_a_2027_04)" in text


def test_a_model_with_everything_in_it_can_be_written(tmp_path):
    problem, _ = random_fleet(2, share=0.8)
    for suffix in (".lp", ".mps"):
        assert write_model(build_reference(problem), tmp_path / f"all{suffix}").stat().st_size > 0


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match=r"path must end with \.lp or \.mps, got 'model\.xml'"):
        export_model(example_problem(), tmp_path / "model.xml")
