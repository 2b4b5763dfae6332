"""Synthetic files in the layouts of the field's benchmarks: what their readers can be tried and tested on."""
