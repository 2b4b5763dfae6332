"""What trains: the flows, the lifter, its supervised twin, and the network that completes poses."""
