"""The wire format of PayOS: signatures, webhooks, API calls."""
