"""Fleet sizing: which servers to order, where and when, as linear and mixed-integer programs under uncertainty."""
