"""Where poses come from: sources read takes, takes become scenes and poses, a `PoseDataModule` serves them.

Training sees 2D poses and nothing else. `sources` has a table of data sets: a new one is one file and one entry.
"""
