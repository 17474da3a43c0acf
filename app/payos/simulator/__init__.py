"""A local PayOS with the API, the signatures and a page to pay on."""
