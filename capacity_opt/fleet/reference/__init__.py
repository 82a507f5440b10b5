"""The fleet model as a book: the same model as the array builder's, written in Pyomo to be read, extended and exported.

Block names and index labels are those of the array builder, and a test compares the two coefficient by coefficient.
Nothing here is shared with the builder but the samples, so that a mistake in one shows in the other. Read it in this
order: :mod:`.data` (what is given), :mod:`.supply`, :mod:`.recourse`, :mod:`.limits`, :mod:`.service`,
:mod:`.objective`; then :mod:`.standard_form`, :mod:`.solve` and :mod:`.export` for what can be done with it.

Index letters: k server type, z zone, p pool, t period (u: period of a decision), b block, j demand group, c class,
r resource, m purchase option, s sample. Pyomo is imported by these modules at once: nothing else of the library
imports them unless asked.
"""

from __future__ import annotations

from capacity_opt.fleet.reference.export import export_model, write_model
from capacity_opt.fleet.reference.model import build_reference
from capacity_opt.fleet.reference.solve import solve_reference
from capacity_opt.fleet.reference.standard_form import linear_program_of

__all__ = ["build_reference", "export_model", "linear_program_of", "solve_reference", "write_model"]
