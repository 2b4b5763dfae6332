"""What a lifting network learns from 2D poses alone: the cycle of lifting and turning, and the losses over it."""
