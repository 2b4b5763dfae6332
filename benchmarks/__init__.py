"""How fast the project is beside what it is compared with: `suite` is the table of benchmarks, each in a file of its own."""
