"""Where things are: cameras, rotations, lifting along rays, alignment; batches of scenes, and people lifted one by one.

Camera frame everywhere: x right, y down, z forward.
"""
