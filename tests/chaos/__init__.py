"""Deaths of every process at every named stage, and what must be true of the data afterwards."""
