# mypy: disable-error-code="untyped-decorator"
"""What the compiled kernel asks of the processor that a loop over single floats does not get: vectors and prefetching.

Both are plain LLVM, so any processor runs them; one without eight-float vectors takes them in smaller pieces.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_LANES = 8
_FLOAT, _INDEX = ir.FloatType(), ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, _LANES)
_FLOAT_ALIGNMENT = 4
_FOR_WRITING, _KEEP, _DATA = 1, 3, 1


def _at(builder: Any, pointer: Any, place: Any, kind: Any) -> Any:
    return builder.bitcast(builder.gep(pointer, [place]), kind.as_pointer())


def _everywhere(builder: Any, value: Any) -> Any:
    """A vector with ``value`` in every lane."""
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(_INDEX, 0))
    lanes = ir.Constant(ir.VectorType(_INDEX, _LANES), [0] * _LANES)
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), lanes)


@intrinsic  # type: ignore[misc, unused-ignore]
def memory(_: Any, array: Any) -> Any:
    """Where the first element of an array is, to be indexed like a C array. Handing arrays to inlined functions makes
    numba count references for every record; a pointer has none. The caller keeps the array, and every index inside."""

    def emit(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, given[0]).data

    return types.CPointer(array.dtype)(array), emit


@intrinsic  # type: ignore[misc, unused-ignore]
def move_eight(_: Any, words: Any, start: Any, score: Any, step: Any, above: Any) -> Any:
    """Eight quantile trackers from ``words[start]``, each one step towards its level: up by ``above`` of a step where
    ``score`` exceeds it, else down by the rest. ``x + step * (above - (score <= x))`` in float32, lane by lane."""

    def emit(context: Any, builder: Any, _: Any, given: Any) -> Any:
        trackers = _at(builder, given[0], given[1], _VECTOR)
        levels = _at(builder, given[4], ir.Constant(_INDEX, 0), _VECTOR)
        x = builder.load(trackers, align=_FLOAT_ALIGNMENT)
        share = builder.load(levels, align=_FLOAT_ALIGNMENT)
        exceeded = builder.fcmp_ordered(">", _everywhere(builder, given[2]), x)
        ones, zeros = (ir.Constant(_VECTOR, [value] * _LANES) for value in (1.0, 0.0))
        part = builder.fsub(share, builder.select(exceeded, zeros, ones))
        moved = builder.fadd(x, builder.fmul(_everywhere(builder, given[3]), part))
        builder.store(moved, trackers, align=_FLOAT_ALIGNMENT)
        return context.get_dummy_value()

    return types.void(words, start, score, step, above), emit


@intrinsic  # type: ignore[misc, unused-ignore]
def expect(_: Any, words: Any, at: Any) -> Any:
    """Has the cache line of ``words[at]`` fetched while other work goes on."""

    def emit(context: Any, builder: Any, _: Any, given: Any) -> Any:
        byte = ir.IntType(8)
        where = _at(builder, given[0], given[1], byte)
        kind = ir.FunctionType(ir.VoidType(), [byte.as_pointer(), _INDEX, _INDEX, _INDEX])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte.as_pointer()], kind)
        builder.call(prefetch, [where, _INDEX(_FOR_WRITING), _INDEX(_KEEP), _INDEX(_DATA)])
        return context.get_dummy_value()

    return types.void(words, at), emit
