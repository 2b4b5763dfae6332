"""Calibrated cameras: lenses, and where cameras stand in a world, as files have them."""
