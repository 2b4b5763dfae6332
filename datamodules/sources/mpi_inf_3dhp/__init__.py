"""MPI-INF-3DHP, as archives like VideoPose3D's or as MMPose's."""
