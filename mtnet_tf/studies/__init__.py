"""Several runs compared: the rows of a table, the readings of the optimiser."""
