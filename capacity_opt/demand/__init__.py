"""What may be asked: demand distributions, vectorised over items, and sample paths over time."""
