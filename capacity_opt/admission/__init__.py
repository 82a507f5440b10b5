"""Who gets capacity on the day: loss systems, critical levels, booking limits, overcommit. Knows no fleet plan."""
