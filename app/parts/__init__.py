"""What a process consists of, in groups that open and close together; app.factory joins them."""
