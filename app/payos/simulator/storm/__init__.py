"""Payments by the hundred through a running napvi, with a mix of all faults; then the books.

`driver` makes them, as payers and as the bank; `payer` is a payer's browser; `tally` is what they
saw; `report` holds that against what the database says.
"""
