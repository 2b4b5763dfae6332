"""Layouts of files of calibrated cameras, a file each; `duolift.calibration.registry` has the table."""
