"""Data sets in their own layouts: a file for each, and the table of them in `registry`."""
