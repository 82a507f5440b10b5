"""Makes the problem builders in this folder importable from every test."""
