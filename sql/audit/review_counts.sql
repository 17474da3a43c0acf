-- review_counts: how much waits for a person, in one row.
CREATE OR REPLACE VIEW audit.review_counts AS
SELECT
    s.suspense_transfers,
    s.suspense_vnd,
    (SELECT count(*) FROM audit.conflicts AS c WHERE c.state = 'open') AS conflicts_open,
    (SELECT count(*) FROM audit.unread_bodies) AS bodies_unread
FROM (
    SELECT
        count(*) AS suspense_transfers,
        coalesce(sum(t.amount), 0)::bigint AS suspense_vnd
    FROM audit.suspense AS t
) AS s;

COMMENT ON VIEW audit.review_counts IS 'How much waits for a person; /metrics says the same.';
COMMENT ON COLUMN audit.review_counts.suspense_transfers IS 'Transfers in suspense.';
COMMENT ON COLUMN audit.review_counts.suspense_vnd IS 'Their sum, in đồng.';
COMMENT ON COLUMN audit.review_counts.conflicts_open IS 'Conflicts that nobody has accepted.';
COMMENT ON COLUMN audit.review_counts.bodies_unread IS 'Signed webhooks that no event came of.';

GRANT SELECT ON audit.review_counts TO topup_auditor, topup_app;
