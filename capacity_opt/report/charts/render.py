"""Vega-Lite data to SVG text, offline, without a browser; equal specifications give equal bytes."""

from __future__ import annotations

from capacity_opt.report.charts.chart import Spec

VEGA_LITE = "5.20"


def svg(spec: Spec) -> str:
    """The chart as one ``<svg>`` element that scales with its box; text in it is escaped by the renderer."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
