"""What the fleet model would refuse is told by reading, at its place; what a run still meets is exit 3 all the same."""

import pytest

import capacity_opt as co
from capacity_opt.cli import main
from tests.scenario.small import FILES, spoil, write

TYPES = FILES["server_types.csv"]


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "server_types.csv",
            "11000,70,4,1,60",
            "11000,70,4,1,",
            r"E247 server_types.csv:3:life: gen10 needs a life .* set \[fleet\] capital = \"cash\"",
        ),
        (
            "server_types.csv",
            TYPES,
            TYPES.replace("power_kw", "order_minimum,order_limit").replace("60,0.5", "60,9,3").replace("0.6", "1,3"),
            "E247 server_types.csv:2:order_minimum = 9: must not exceed order_limit = 3",
        ),
        (
            "scenario.toml",
            'gap = "1%"',
            'solver = "highz"',
            r"E207 scenario.toml:22:fleet.solver.*Did you mean 'highs'",
        ),
        ("scenario.toml", "values = [0.9,", 'classes = ["critcal"]\nvalues = [0.9,', "E208 .*Did you mean 'critical'"),
        ("scenario.toml", "values = [0.9,", "values = [90,", "E201 .*in .0, 1.*For a percentage write 0.9"),
        (
            "scenario.toml",
            'gap = "1%"',
            'formulation = "cvar"',
            "E240 scenario.toml:19:fleet: formulation 'cvar' needs",
        ),
        ("scenario.toml", 'gap = "1%"', 'formulation = "chance"', "needs no_shortage_probability"),
    ],
)
def test_reading_tells_what_the_model_would_refuse(tmp_path, file, old, new, says):
    with pytest.raises(co.ScenarioError, match=says):
        co.read_scenario(spoil(tmp_path / "s", file, old, new))


def test_an_endless_life_is_fine_where_capital_is_cash(tmp_path):
    folder = spoil(tmp_path / "s", "server_types.csv", "11000,70,4,1,60", "11000,70,4,1,")
    assert co.read_scenario(folder, set=["fleet.capital=cash"]).fleet is not None


@pytest.mark.parametrize("command", ["run", "validate", "frontier"])
def test_the_command_line_gives_exit_3(tmp_path, capsys, command):
    folder = spoil(tmp_path / "s", "server_types.csv", "11000,70,4,1,60", "11000,70,4,1,")
    with pytest.raises(SystemExit) as stop:
        main([command, str(folder)])
    assert stop.value.code == 3
    assert "server_types.csv:3:life" in capsys.readouterr().err


def test_what_only_a_step_refuses_is_a_fault_of_the_scenario(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise co.ArgumentError("something must be else")

    monkeypatch.setattr("capacity_opt.scenario.steps.size_fleet", refuse)
    with pytest.raises(co.ScenarioError, match="E240 scenario.toml: something must be else"):
        co.run_scenario(write(tmp_path / "s"), out=tmp_path / "runs")
