"""From demand history to quantiles, sample paths and lead-time totals, for ten series or a billion."""
