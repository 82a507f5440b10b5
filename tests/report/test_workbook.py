import time

import openpyxl
import pytest
import synthetic

from capacity_opt.report.workbook import write_workbook


@pytest.fixture
def book(run_folder):
    return openpyxl.load_workbook(write_workbook(run_folder))


def column(sheet, label):
    place = [cell.value for cell in sheet[1]].index(label)
    return [row[place] for row in sheet.iter_rows(min_row=2, values_only=True)]


def test_sheets_are_those_a_finance_reader_expects(book):
    names = [
        "Summary",
        "Order book",
        "Cost by period",
        "Charges",
        "Waterfall",
        "Sensitivity",
        "Rejected",
        "Frontier",
        "Runway",
        "Inventory",
        "Availability",
        "Assumptions",
        "Checks",
    ]
    assert book.sheetnames == names


def test_same_run_folder_gives_the_same_bytes(run_folder):
    first = write_workbook(run_folder).read_bytes()
    time.sleep(2.1)  # zip stamps have two-second steps
    assert write_workbook(run_folder).read_bytes() == first


def test_nothing_but_our_sums_is_a_formula(book):
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert sheet.title == "Checks"
                    assert cell.value.startswith(("=SUM('", "=ROUND("))
    assert '=HYPERLINK("http://x")' in column(book["Order book"], "Server type")
    assert "=1+1" in column(book["Inventory"], "Item")


def test_live_sums_recomputed_equal_our_totals(book):
    checks = book["Checks"]
    seen = 0
    for label, formula, total, _ in checks.iter_rows(min_row=2, max_col=4, values_only=True):
        if not (isinstance(formula, str) and formula.startswith("=SUM('")):
            continue
        name, area = formula[len("=SUM('") : -1].split("'!")
        cells = [cell.value for row in book[name][area] for cell in row]
        assert all(value is None or isinstance(value, (int, float)) for value in cells), label
        assert sum(value or 0 for value in cells) == pytest.approx(total, abs=0.005), label
        seen += 1
    assert seen == 8
    totals = [row[2] for row in checks.iter_rows(values_only=True) if row[0] == "Cost, present value"]
    assert totals == pytest.approx([synthetic.cost().EffectiveCost.sum()])


def test_a_viewer_that_does_not_compute_sees_the_values(run_folder):
    checks = openpyxl.load_workbook(write_workbook(run_folder), data_only=True)["Checks"]
    for _, live, total, difference in checks.iter_rows(min_row=2, max_row=8, max_col=4, values_only=True):
        assert live == pytest.approx(total)
        assert difference == 0


def test_charges_keep_the_names_of_focus_and_leave_blanks_blank(book):
    assert column(book["Charges"], "BilledCost") == pytest.approx(list(synthetic.charges()["BilledCost"]))
    assert column(book["Charges"], "AvailabilityZone") == [None] * len(synthetic.charges())


def test_tables_are_frozen_and_filtered(book):
    for name in ("Order book", "Cost by period", "Charges", "Frontier", "Inventory"):
        assert book[name].freeze_panes == "A2"
        assert book[name].auto_filter.ref


def test_a_run_of_items_alone_has_no_empty_sheets(tmp_path):
    gone = {name: None for name in synthetic.tables() if name != "inventory"}
    book = openpyxl.load_workbook(write_workbook(synthetic.write_run(tmp_path / "items", gone)))
    assert book.sheetnames == ["Summary", "Inventory", "Assumptions", "Checks"]
