"""Human3.6M, as VideoPose3D's archives or as MMPose's."""
