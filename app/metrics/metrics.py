"""What napvi counts and times, for `/metrics`: every name.

docs/metrics.md says what each metric means; deploy/grafana-dashboard.json draws them; a test
compares all three. No label holds what a client sent: not a user, not a tx_ref, nothing of a payer.
"""

from pathlib import Path

from prometheus_client import CollectorRegistry

from app.metrics.exposition import exposition
from app.metrics.instruments import Instruments
from app.metrics.labels import (
    CheckOutcome,
    KeyPosition,
    ListenerLoss,
    PayOSOperation,
    PayOSOutcome,
    Pruned,
    SignedThing,
    StreamClose,
    StreamRefusal,
    StreamStart,
    WebhookOutcome,
)

LATENCY_SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
FACTS = (1, 2, 4, 8, 16, 32, 64)
TOPUPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Metrics:
    """The metrics of one app, in a registry of their own.

    `shared_directory`: where the worker processes of one service put what they measure, so that
    each can answer for all of them. prometheus_client looks for the same directory when it is
    imported, in PROMETHEUS_MULTIPROC_DIR, and then serves one app in each process.
    """

    def __init__(self, shared_directory: Path | None = None) -> None:
        self._shared_directory = shared_directory
        self.registry = CollectorRegistry()
        make = Instruments(self.registry)
        self._count_payments(make)
        self._count_calls(make)
        self._count_checks(make)
        self._count_streams(make)
        self._count_notifications(make)
        self._count_review(make)
        self._count_pruning(make)
        self._count_seals(make)
        self.loop_lag_seconds = make.histogram(
            "loop_lag_seconds", "The event loop ran a timer this late", LAG_SECONDS
        )

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The text and its Content-Type, as the Accept header asks. Blocks: reads files."""
        return exposition(self.registry, self._shared_directory, accept)

    def count_signature(self, thing: SignedThing, position: int) -> None:
        """PayOS signed this with the key at `position` of PAYOS_CHECKSUM_KEY, 1 the first."""
        self.payos_signatures.labels(thing, KeyPosition.of(position)).inc()

    def _count_payments(self, make: Instruments) -> None:
        self.webhooks = make.counter(
            "webhooks", "Requests to the webhook", "outcome", WebhookOutcome
        )
        self.append_batch_facts = make.histogram(
            "append_batch_facts", "Facts that shared one commit", FACTS
        )
        self.append_seconds = make.histogram(
            "append_seconds", "From the start of an append to its commit", LATENCY_SECONDS
        )

    def _count_calls(self, make: Instruments) -> None:
        self.payos_calls = make.counter_by(
            "payos_calls", "Calls to PayOS", operation=PayOSOperation, outcome=PayOSOutcome
        )
        self.payos_call_seconds = make.histogram(
            "payos_call_seconds", "From a call that was made to its answer", LATENCY_SECONDS
        )
        self.payos_calls_in_flight = make.gauge(
            "payos_calls_in_flight", "Calls that wait for PayOS now"
        )
        self.payos_breaker_open = make.gauge(
            "payos_breaker_open", "Processes that call PayOS for no payer: it gives no answers"
        )
        self.payos_background_breaker_open = make.gauge(
            "payos_background_breaker_open",
            "Processes that reconcile nothing: PayOS does not answer",
        )
        self.payos_signatures = make.counter_by(
            "payos_signatures", "Good signatures of PayOS", thing=SignedThing, key=KeyPosition
        )

    def _count_checks(self, make: Instruments) -> None:
        self.checks = make.counter(
            "payos_checks", "Top-ups that PayOS was asked about", "outcome", CheckOutcome
        )
        self.transfers_recovered = make.counter(
            "transfers_recovered", "Transfers that no webhook had brought"
        )
        self.transfers_held = make.counter(
            "transfers_held", "Transfers found by asking that are held for review"
        )
        self.check_overdue_seconds = make.latest(
            "check_overdue_seconds", "How late PayOS is asked about the most urgent top-up"
        )
        self.reconciler_failures = make.counter(
            "reconciler_failures", "Times that the reconciler failed and began again"
        )

    def _count_streams(self, make: Instruments) -> None:
        self.streams_open = make.gauge("streams_open", "Streams open now")
        self.streams_opened = make.counter(
            "streams_opened", "Streams that began", "how", StreamStart
        )
        self.streams_refused = make.counter(
            "streams_refused", "Streams told to come back later", "reason", StreamRefusal
        )
        self.streams_closed = make.counter(
            "streams_closed", "Streams that ended", "reason", StreamClose
        )
        self.stream_open_batch = make.histogram(
            "stream_open_batch", "Streams that were opened in one batch", TOPUPS
        )
        self.frames_sent = make.counter("frames_sent", "Frames with a state of a top-up")
        self.heartbeats_sent = make.counter("heartbeats_sent", "Heartbeats to silent streams")
        self.wake_to_frame_seconds = make.histogram(
            "wake_to_frame_seconds", "From a notification to the frame", LATENCY_SECONDS
        )
        self.commit_to_frame_seconds = make.histogram(
            "commit_to_frame_seconds",
            "From the recording of an event to its frame, by the clock of the database",
            LATENCY_SECONDS,
        )
        self.commit_to_screen_seconds = make.histogram(
            "commit_to_screen_seconds",
            "From the recording of an event to the word of a browser that it is on the screen",
            LATENCY_SECONDS,
        )
        self.read_batch_topups = make.histogram(
            "read_batch_topups", "Top-ups that shared one read", TOPUPS
        )
        self.sweep_hits = make.counter("sweep_hits", "Top-ups whose news only the sweep found")

    def _count_notifications(self, make: Instruments) -> None:
        self.channels_listened = make.gauge("channels_listened", "Channels listened to now")
        self.listener_connects = make.counter(
            "listener_connects", "Connections of the listener, the first one included"
        )
        self.listener_lost = make.counter(
            "listener_lost", "Connections that the listener lost or did not get", "reason",
            ListenerLoss,
        )  # fmt: skip
        self.echo_lag_seconds = make.histogram(
            "echo_lag_seconds", "From sending an echo to hearing it", LATENCY_SECONDS
        )
        self.notify_queue_usage = make.latest(
            "notify_queue_usage",
            "Share of the notification queue of PostgreSQL that is in use, 0 to 1",
        )

    def _count_review(self, make: Instruments) -> None:
        self.suspense_transfers = make.latest("suspense_transfers", "Transfers without a top-up")
        self.suspense_vnd = make.latest("suspense_vnd", "Their sum, in đồng")
        self.conflicts_open = make.latest("conflicts_open", "Conflicts that nobody accepted")
        self.bodies_unread = make.latest("bodies_unread", "Signed webhooks without an event")

    def _count_pruning(self, make: Instruments) -> None:
        self.rows_pruned = make.counter("rows_pruned", "Rows forgotten", "kind", Pruned)
        self.pruner_failures = make.counter(
            "pruner_failures", "Rounds of forgetting that an error ended"
        )

    def _count_seals(self, make: Instruments) -> None:
        self.events_unsealed = make.latest("events_unsealed", "Events without a seal, to 10000")
        self.unsealed_seconds = make.latest("unsealed_seconds", "Age of the oldest of them")
        self.sealer_failures = make.counter(
            "sealer_failures", "Times that sealing failed and began again"
        )
