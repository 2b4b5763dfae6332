"""How well real people are placed in 3D: a detector's 2D joints in, compared with people whose 3D joints are known."""
