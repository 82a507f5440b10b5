"""Stochastic programs as arrays.

The two-stage record, its decomposition over a shared graph of recourse bases, scenario trees of more stages, and the
SMPS files in which others publish theirs.
"""
