"""Who is asking: logins, passwords, and those who guess them."""
