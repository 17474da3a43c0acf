-- review_counts: how much waits for a person, in one row. Every scrape asks, so what a conflict is
--           with, which audit.conflicts tells, is not looked up for those that are over.
CREATE OR REPLACE VIEW audit.review_counts AS
SELECT
    s.suspense_transfers,
    s.suspense_vnd,
    (
        SELECT count(*) FROM topup.events AS c
        WHERE
            c.type = 'payment.conflict'
            AND (c.data ->> 'code' <> '00') IS NOT TRUE
            AND NOT EXISTS (
                SELECT FROM topup.events AS h
                WHERE h.event_id = (c.data ->> 'held_event_id')::uuid
            )
            AND NOT EXISTS (
                SELECT FROM topup.events AS a
                WHERE
                    a.type = 'suspense.assigned'
                    AND (a.data ->> 'conflict_event_id')::uuid = c.event_id
            )
    ) AS conflicts_open,
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
