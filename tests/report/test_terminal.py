import io

import synthetic
from rich.console import Console

from capacity_opt.report.terminal import print_run


def printed(folder, **options):
    out = io.StringIO()
    print_run(folder, Console(file=out, **{"width": 140, **options}))
    return out.getvalue()


def test_a_pipe_gets_plain_text_with_every_table_a_planner_needs(run_folder):
    text = printed(run_folder)
    for title in (
        "Inventory",
        "Order book",
        "Cost by component",
        "Availability",
        "Utilization",
        "What availability costs",
    ):
        assert title in text
    assert "\x1b" not in text


def test_answer_comes_first_and_the_next_command_last(run_folder):
    text = printed(run_folder)
    assert text.startswith("Order 3 racks")
    assert text.rstrip().splitlines()[-1].startswith("Try next:")
    assert "For a page: capacity-opt report" in text
    (run_folder / "report.html").touch()
    assert "Read next:" in printed(run_folder)


def test_hostile_names_neither_crash_nor_steer_the_terminal(run_folder):
    text = printed(run_folder, force_terminal=True, color_system="standard")
    assert "[/red]" in text
    assert "\x1b[31mpower" not in text
    assert "[31mpower" in text


def test_no_color_is_honoured(run_folder, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31" not in printed(run_folder, force_terminal=True)


def test_broken_promise_is_said_plainly(run_folder):
    assert "NOT kept: critical, fill rate: 99.85 % on fresh samples, below its target of 99.90 %." in printed(
        run_folder
    )


def test_failed_verification_is_said_plainly(run_folder):
    assert "2 checks, 1 FAILED: do not use this plan" in printed(run_folder)


def test_long_tables_are_cut_with_the_place_of_the_rest(run_folder):
    out = io.StringIO()
    print_run(run_folder, Console(file=out, width=140), lines=2)
    assert "… and 3 more in results/inventory.csv" in out.getvalue()


def test_what_was_read_is_counted(run_folder):
    expected = "Read 5 item lines, 2 server types in use, 3 zones, 3 demand classes, 6 periods from 2 files."
    assert expected in printed(run_folder)


def test_a_run_with_nothing_in_it_prints_without_failing(tmp_path):
    folder = synthetic.write_run(tmp_path / "empty", dict.fromkeys(synthetic.tables()))
    assert "Run folder" in printed(folder)


def test_narrow_ascii_terminal_works(run_folder, tmp_path):
    with (tmp_path / "out").open("w", encoding="ascii", errors="replace") as out:
        print_run(run_folder, Console(file=out, width=60))
