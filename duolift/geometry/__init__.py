"""Where things are: cameras, rotations, lifting along rays, alignment; batches of scenes, and lifted people.

Camera frame everywhere: x right, y down, z forward.
"""
