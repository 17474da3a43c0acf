"""Everything on one machine, to try it."""
