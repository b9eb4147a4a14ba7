"""Facts and faults of a prepared data set."""
