"""Run a scenario and publish what people read: the one call behind ``capacity-opt run``."""
