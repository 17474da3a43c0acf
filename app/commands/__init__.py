"""The commands of `python -m app` that are more than a few lines: one module for each."""
