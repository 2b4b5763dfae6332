"""3D people in one shared scene from 2D poses alone, learned without 3D labels."""

__version__ = "0.1.0"
