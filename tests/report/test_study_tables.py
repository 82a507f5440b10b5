from dataclasses import replace

import pandas as pd
import pytest
import synthetic

from capacity_opt.report import sections, study_tables
from capacity_opt.report.charts import runway, service, waterfall
from capacity_opt.report.contents import read_run
from capacity_opt.report.html import render_report
from capacity_opt.report.workbook import write_workbook

STUDIES = {"runway", "waterfall", "tornado", "rejected"}


def drawn(chart):
    return chart.spec["data"]["values"]


def test_each_study_has_its_section_and_none_without_its_table(run_folder, tmp_path):
    assert {section.key for section in sections.build(read_run(run_folder))} >= STUDIES
    bare = synthetic.write_run(tmp_path / "bare", dict.fromkeys(STUDIES))
    assert not STUDIES & {section.key for section in sections.build(read_run(bare))}


def test_bars_of_the_waterfall_hang_together_and_end_at_the_total(run_folder):
    bars = drawn(waterfall.waterfall(read_run(run_folder)))
    assert [bar["kind"] for bar in bars] == ["total", "less", "more", "more", "more", "more", "more", "total"]
    assert [bar["low"] for bar in bars[1:-1]] == pytest.approx([bar["high"] for bar in bars[:-2]])
    assert bars[-2]["high"] == pytest.approx(bars[-1]["high"])


def test_the_widest_assumption_is_on_top_and_an_unsolved_side_has_no_bar(run_folder):
    chart = waterfall.tornado(read_run(run_folder))
    assert list(chart.table.frame["factor"]) == ["demand growth", "server prices", "promises"]
    assert len(drawn(chart)) == 5
    cells = next(row for row in chart.table.words() if row[0] == "promises")
    assert cells[-1] == "\u2013"


def test_marks_of_the_runway_are_the_rows_of_its_table(run_folder):
    run = read_run(run_folder)
    marks = drawn(runway.runway(run))
    assert len(marks) == len(run.table("runway"))
    assert {mark["period"] for mark in marks} == {*synthetic.PERIODS[1:2], *synthetic.PERIODS[3:5], "later"}
    table = study_tables.runway(run)
    assert len(table) == 6
    row = table.frame.iloc[-1]
    assert row["plan p50"] == study_tables.HORIZON
    assert row["no_new_orders p90"] == synthetic.PERIODS[1]


def test_hostile_names_are_text_in_the_studies(run_folder):
    page = render_report(read_run(run_folder))
    assert page.count("<script") == 1
    assert "+1 &lt;/script&gt;" in page


def test_the_workbook_sums_the_waterfall_again(run_folder):
    import openpyxl

    book = openpyxl.load_workbook(write_workbook(run_folder))
    sheet = book["Waterfall"]
    steps = [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert sum(steps[:-1]) == pytest.approx(steps[-1])
    live = [cell.value for cell in book["Checks"]["B"] if str(cell.value).startswith("=SUM('Waterfall'")]
    assert live == ["=SUM('Waterfall'!B2:B8)"]
    assert {"Runway", "Sensitivity", "Rejected"} <= set(book.sheetnames)


def test_the_runway_says_which_pool_misses_its_target_first(run_folder):
    frame = read_run(run_folder).table("runway")
    one = frame.iloc[:1].assign(region="east", resource="vcpu", case="all_zones", target=0.97, breach_period="")
    rows = [
        one.assign(**{"class": name}, supply=supply, demand=demand, breach_period=when, periods_left=left)
        for name, supply, demand, when, left in (
            ("low", "plan", "p50", "", 9),
            ("low", "plan", "p90", "2027-05", 4),
            ("high", "plan", "p90", "2027-03", 2),
            ("all", "plan", "p90", "2027-01", 0),
            ("low", "no_new_orders", "p50", "2027-02", 1),
        )
    ]
    told = study_tables.runway_sentence(pd.concat(rows))
    assert "With the plan: not within the horizon at median demand (P50), 2027-03 (vcpu, east, high) at high" in told
    assert "Without new orders: 2027-02 (vcpu, east, low) at median demand (P50), not within the horizon" in told


def test_a_component_that_begins_later_does_not_move_the_first_periods(run_folder):
    run = read_run(run_folder)
    early = run.table("cost")["period"] == run.table("cost")["period"].iloc[0]
    late = run.table("cost").assign(EffectiveCost=lambda rows: rows["EffectiveCost"].where(~early, 0.0))
    chart = service.cost(replace(run, tables={**run.tables, "cost": late}))
    assert chart.spec["encoding"]["x"]["sort"] == list(dict.fromkeys(late["period"]))
