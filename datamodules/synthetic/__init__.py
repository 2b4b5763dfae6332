"""A made-up data set of two-person interactions, written in CHI3D's layout on disk.

Two kinematic people (`bodies.py`, `choreography.py`) act out eight kinds of action (`actions.py`) before four cameras
(`cameras.py`); takes in which somebody leaves the image or enters the other are drawn again (`takes.py`).
World frame: z up, metres; 50 frames a second; pixels. The same settings give the same bytes.

    python -m datamodules.synthetic --root data/synthetic --takes 3 --frames 48
"""
