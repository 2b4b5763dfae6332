"""How far predicted scenes are from true ones: the paper's four metrics and their variants.

`definitions` has them as they are defined, `batched` the same for many predictions of one truth.
"""
