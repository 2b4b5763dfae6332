"""How far predicted scenes are from true ones: the paper's four metrics and their variants.

`definitions` has them as they are defined, `batched` the same for many predictions of one truth. `protocols` has the
metrics of the benchmarks, of people by themselves, and `table` what tables say of them.
"""
