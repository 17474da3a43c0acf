"""The mutants that no proof can notice, because nothing is different, each with the reason."""

RETURNED = "PostgreSQL ignores what an AFTER trigger returns"
EMPTY = "an element appended to NULL is an array of one, and nothing is equal to ANY (NULL)"
READ = "NULL, v_fact.event_id, v_fact.tx_ref, v_fact.seq, v_fact.type, v_fact.data,"

NOT_JUDGED = "the state is judged by its link, order code, status, amount and seq, not by"

EQUIVALENT: dict[tuple[str, str, str], str] = {
    ("events_after_insert", "RETURN NULL;", "RETURN NEW;"): RETURNED,
    ("ledger_entries_balance", "RETURN NULL;", "RETURN NEW;"): RETURNED,
    (
        "state_in_batch",
        READ,
        "NULL, v_fact.event_id, NULL, v_fact.seq, v_fact.type, v_fact.data,",
    ): "only topup.opened takes the tx_ref from the event, and it is in no batch",
    (
        "state_in_batch",
        READ,
        "NULL, NULL, v_fact.tx_ref, v_fact.seq, v_fact.type, v_fact.data,",
    ): f"{NOT_JUDGED} an event id",
    (
        "state_in_batch",
        "v_fact.occurred_at, v_fact.occurred_at",
        "NULL, v_fact.occurred_at",
    ): f"{NOT_JUDGED} its times",
    (
        "state_in_batch",
        "v_fact.occurred_at, v_fact.occurred_at",
        "v_fact.occurred_at, NULL",
    ): f"{NOT_JUDGED} its times",
    ("project_event", "RETURN;", "NULL;"): "the statements after it do nothing without a posting",
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
    ): "find_alike is asked about the first money of a top-up too, and finds nothing here",
}
