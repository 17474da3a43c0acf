"""All that napvi has with PayOS: webhooks and calls, links, what no webhook told, lost orders."""
