"""How fast the project is beside its baselines: `suite` is the table of benchmarks, each in a file of its own."""
