"""Arrays in, outcome out: linear and mixed-integer programs, solved and checked. Knows neither demand nor fleets."""
