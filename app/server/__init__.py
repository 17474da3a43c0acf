"""The server process: Hypercorn, its sockets and event loop; several of them side by side."""
