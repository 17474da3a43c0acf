"""HTTP as every route speaks it: what is accepted, in which language, what is promised of it."""
