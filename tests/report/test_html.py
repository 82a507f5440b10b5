import re
import shutil
from html.parser import HTMLParser

import pandas as pd
import pytest
import synthetic

from capacity_opt.errors import RunFolderError
from capacity_opt.report.html import write_report


class Page(HTMLParser):
    """Start tags with attributes, and the text of every cell."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.cells, self.inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "td":
            self.inside = True
            self.cells.append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "td"

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    folder = synthetic.write_run(tmp_path_factory.mktemp("html") / "run")
    return write_report(folder).read_text(encoding="utf-8")


def test_same_run_folder_gives_the_same_bytes(run_folder, tmp_path):
    copy = shutil.copytree(run_folder, tmp_path / "copy")
    (copy / "timing.json").write_text('{"started": "another day"}', encoding="utf-8")
    assert write_report(run_folder).read_bytes() == write_report(copy).read_bytes()


def test_page_is_one_small_file_that_asks_for_nothing(text):
    assert len(text) < 2_000_000
    for name, attributes in Page(text).tags:
        assert name not in {"link", "iframe", "object", "embed", "base", "img"}
        assert not {"src", "srcset", "data", "style", "onclick", "onload"} & set(attributes), name
        assert attributes.get("href", "#").startswith("#")
    assert "url(" not in text


def test_only_our_own_script_is_on_the_page_and_hostile_names_are_text(text):
    page = Page(text)
    assert page.count("script") == 1
    assert page.cells.count(synthetic.HOSTILE) > 3
    assert "<script>alert" not in text
    assert "\x1b" not in text


def test_policy_allows_the_style_and_the_script_by_hash_only(text):
    import base64
    import hashlib

    policy = next(a["content"] for t, a in Page(text).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        body = re.search(f"<{tag}>(.*?)</{tag}>", text, re.S).group(1)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_answer_comes_before_every_section(text):
    assert text.index('class="answer"') < text.index("<section")
    assert "Order 3 racks for 1,800.75 USD" in text[: text.index("<section")]


def test_totals_on_the_page_are_the_totals_of_the_tables_to_the_cent(text):
    cost = synthetic.cost()
    cells = Page(text).cells
    assert f"{cost.EffectiveCost.sum():,.2f}" in cells
    assert f"{cost.BilledCost.sum():,.2f}" in cells
    assert f"{synthetic.orders().EffectiveCost.sum():,.2f}" in text


def test_broken_promise_and_failed_check_are_said_in_words(text):
    assert "does NOT keep its promise for: critical" in text
    assert "1 of 2 checks FAILED" in text


def test_every_chart_has_a_description_and_its_numbers(text):
    page = Page(text)
    figures = page.count("figure")
    assert figures >= 10
    assert page.count("svg") == figures
    assert page.count("figcaption") == figures
    assert sum(t == "div" and a.get("role") == "img" and len(a["aria-label"]) > 30 for t, a in page.tags) == figures


def test_chart_marks_are_the_rows_of_their_table(text):
    figure = text[text.index("<h3>Servers in service</h3>") :]
    svg = figure[: figure.index("</svg>")]
    assert svg.count('aria-roledescription="bar"') == 2 * len(synthetic.PERIODS)


def test_steps_that_did_not_run_have_no_section(tmp_path):
    kept = {"inventory"}
    gone = {name: None for name in synthetic.tables() if name not in kept}
    text = write_report(synthetic.write_run(tmp_path / "items", gone)).read_text(encoding="utf-8")
    assert 'id="inventory"' in text
    assert 'id="orders"' not in text
    assert 'id="frontier"' not in text


def test_run_without_orders_says_so(tmp_path):
    folder = synthetic.write_run(tmp_path / "idle", {"orders": synthetic.orders().head(0)})
    assert "Nothing to order." in write_report(folder).read_text(encoding="utf-8")


def test_long_tables_are_cut_and_say_so(tmp_path):
    many = pd.concat([synthetic.inventory()] * 200, ignore_index=True)
    text = write_report(synthetic.write_run(tmp_path / "big", {"inventory": many})).read_text(encoding="utf-8")
    assert "The 300 dearest are shown" in text
    assert len(text) < 2_000_000


def test_missing_values_do_not_break_the_page(tmp_path):
    frontier = synthetic.frontier().assign(judged=float("nan"), judged_low=float("nan"), judged_high=float("nan"))
    availability = synthetic.availability().assign(judged=float("nan"), target=float("nan"), verdict="no_target")
    folder = synthetic.write_run(tmp_path / "holes", {"frontier": frontier, "availability": availability})
    assert "NaN" not in write_report(folder).read_text(encoding="utf-8").replace("Number.isNaN", "")


def test_folder_that_is_no_run_is_refused_with_the_next_step(tmp_path):
    with pytest.raises(RunFolderError, match="capacity-opt list"):
        write_report(tmp_path)


def test_a_frontier_over_money_speaks_of_units_and_keeps_its_axis_of_availability(tmp_path):
    frontier = synthetic.frontier().assign(over="capex_budget", target=[1e6, 2e6, 3e6, 4e6])
    text = write_report(synthetic.write_run(tmp_path / "money", {"frontier": frontier})).read_text(encoding="utf-8")
    assert "What one more unit of the target costs" in text
    assert "4,000,000" in text
    assert "percentage point" not in text
