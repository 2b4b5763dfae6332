"""The parts of the command `duolift`: a file each of them, which adds its arguments and runs it.

torch takes a second or more to import, so a command first checks its arguments and that its inputs are there, with
nothing imported that needs torch.
"""
