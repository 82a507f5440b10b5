"""Forecasts that follow the stream: a small state per series, updated by each observation, quantiles when asked."""
