"""What keeps the books in order while the process runs: forgetting and sealing."""
