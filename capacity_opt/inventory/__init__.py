"""Replenishment: how much to stock of each item and when to reorder, vectorised over items."""
