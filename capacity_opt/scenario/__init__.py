"""The scenario folder and the run folder: reading, running, comparing. The one layer that knows every other."""
