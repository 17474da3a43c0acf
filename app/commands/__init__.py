"""The commands of `python -m app`, one in each module; app.cli gathers them."""
