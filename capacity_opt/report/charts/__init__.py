"""The charts of the report, one concept per file: built as Vega-Lite data, drawn to SVG without a browser."""
