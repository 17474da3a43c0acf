"""The mutants that no proof can notice, because nothing is different, each with the reason."""

RETURNED = "PostgreSQL ignores what an AFTER trigger returns"
NOT_JUDGED = "the state is judged by its link, order code, status and amount, not by"
EMPTY = "an element appended to NULL is an array of one, and nothing is equal to ANY (NULL)"
READ = "NULL::bigint, f.event_id, f.tx_ref, f.ordinal::bigint, f.type, f.data,"

EQUIVALENT: dict[tuple[str, str, str], str] = {
    ("events_after_insert", "RETURN NULL;", "RETURN NEW;"): RETURNED,
    ("ledger_entries_balance", "RETURN NULL;", "RETURN NEW;"): RETURNED,
    (
        "state_in_batch",
        READ,
        "1::bigint, f.event_id, f.tx_ref, f.ordinal::bigint, f.type, f.data,",
    ): f"{NOT_JUDGED} the id of an event",
    (
        "state_in_batch",
        READ,
        "NULL::bigint, NULL, f.tx_ref, f.ordinal::bigint, f.type, f.data,",
    ): f"{NOT_JUDGED} an event id",
    (
        "state_in_batch",
        READ,
        "NULL::bigint, f.event_id, NULL, f.ordinal::bigint, f.type, f.data,",
    ): "only topup.opened takes the tx_ref from the event, and it is in no batch",
    (
        "state_in_batch",
        READ,
        "NULL::bigint, f.event_id, f.tx_ref, 1, f.type, f.data,",
    ): f"{NOT_JUDGED} its seq",
    (
        "state_in_batch",
        "f.occurred_at, f.occurred_at",
        "NULL, f.occurred_at",
    ): f"{NOT_JUDGED} its times",
    (
        "state_in_batch",
        "f.occurred_at, f.occurred_at",
        "f.occurred_at, NULL",
    ): f"{NOT_JUDGED} its times",
    (
        "judge_facts",
        "v_facts topup.fact[] := ARRAY[]::topup.fact[];",
        "v_facts topup.fact[] := NULL;",
    ): EMPTY,
    ("judge_facts", "v_seen text[] := ARRAY[]::text[];", "v_seen text[] := NULL;"): EMPTY,
    (
        "judge_facts",
        "v_fact := topup.judge_repeat(v_fact, v_topup, v_facts);",
        "v_fact := topup.judge_repeat(v_fact, NULL, v_facts);",
    ): "without the state, find_alike is asked about the first money of a top-up too: in vain",
}
