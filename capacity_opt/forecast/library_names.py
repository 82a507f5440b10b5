"""Models of well-kept libraries, by the names these give them: what a scenario, a command or a call may ask for."""

from __future__ import annotations

from typing import Literal, get_args

LibraryName = Literal["AutoETS", "AutoARIMA", "AutoTheta", "AutoCES", "LightGBM"]
LIBRARY_MODELS: tuple[LibraryName, ...] = get_args(LibraryName)
