"""Live: people in one scene while they are being filmed, a fraction of a second behind.

The energy is that of a whole video (`duolift.motion`, `duolift.placement.fit`), over what is kept of it: every frame of
the last moment, and of the time before a bounded number of everybody's poses, evenly spaced.
"""
