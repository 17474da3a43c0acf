"""The HTTP surface: one module for each group of routes."""
