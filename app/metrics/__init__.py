"""What napvi counts and times, for `/metrics`."""
