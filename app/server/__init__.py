"""What app.serve runs on, its sockets and event loop; and several such processes side by side."""
