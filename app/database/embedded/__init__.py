"""A PostgreSQL of our own: the programs of a wheel, under a supervisor."""
