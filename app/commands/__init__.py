"""Commands of `python -m app` that are long enough for a module of their own."""
