-- Scrapes count the webhooks that wait for a person, whatever the number of those that one has
-- dismissed. The index of all that were not understood stays for pruning. Such bodies are rare, so
-- neither costs a payment anything. Writers wait while it is built, less than a second.
CREATE INDEX payos_bodies_waiting ON topup.payos_bodies (received_at)
    WHERE fault IS NOT NULL AND dismissed_at IS NULL;
