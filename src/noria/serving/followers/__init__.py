"""Several processes on one socket: the leader writes, the others answer and hand over what they answered."""
