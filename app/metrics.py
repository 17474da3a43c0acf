"""What napvi counts and times, for `/metrics`: every name, and every value that a label may have.

No label holds what a client sent: not a user, not a tx_ref, nothing of a payer. Each label value
is there from the start, as 0, so that a rate has a beginning. docs/metrics.md says what each
metric means; deploy/grafana-dashboard.json draws them; a test compares all three.
"""

from collections.abc import Iterable
from enum import StrEnum
from itertools import product
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from app.payos_labels import KeyPosition, PayOSOperation, PayOSOutcome, SignedThing

LATENCY_SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
)  # fmt: skip
LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
FACTS = (1, 2, 4, 8, 16, 32, 64)
TOPUPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class StreamStart(StrEnum):
    """How a stream began."""

    FRESH = "fresh"
    RESUMED = "resumed"  # with a Last-Event-ID


class StreamRefusal(StrEnum):
    """Why a stream was answered with nothing but a time to come back."""

    OFF = "off"
    BUSY = "busy"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"  # the database is away


class StreamClose(StrEnum):
    """Why a stream is over."""

    FINAL = "final"  # nothing more will come
    GONE = "gone"  # the browser left
    SLOW = "slow"  # the reader did not keep up
    AGE = "age"
    SUPERSEDED = "superseded"  # a newer stream took its place
    LOGIN_ENDED = "login_ended"
    SHUTDOWN = "shutdown"
    FAILED = "failed"  # an error of ours


class ListenerLoss(StrEnum):
    """Why the listener gave up its connection, or did not get one."""

    UNREACHABLE = "unreachable"
    SILENT = "silent"  # an echo did not come back
    DISCONNECTED = "disconnected"
    FAILED = "failed"  # an error of ours
    DIED = "died"  # and will not connect again


class WebhookOutcome(StrEnum):
    """What came of one request to the webhook."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    SUSPENSE = "suspense"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    PING = "ping"
    KEPT = "kept"  # signed, but no event: the body is kept
    BAD_SIGNATURE = "bad_signature"
    BAD_BODY = "bad_body"
    UNAVAILABLE = "unavailable"
    HUNG_UP = "hung_up"  # the sender did not wait; the payment is recorded all the same
    FAILED = "failed"


class CheckOutcome(StrEnum):
    """What came of asking PayOS about one top-up."""

    UNCHANGED = "unchanged"
    RECOVERED = "recovered"  # money that no webhook had brought
    HELD = "held"  # money that may be known already: kept for review
    CLOSED = "closed"
    LINKED = "linked"  # a payment link that we had not been told of
    UNKNOWN = "unknown"  # to PayOS
    UNREADABLE = "unreadable"  # a transfer without reference, not listed, or that makes no sense
    UNANSWERED = "unanswered"
    FAILED = "failed"  # an error of ours


class Pruned(StrEnum):
    """What is forgotten when it has been kept long enough."""

    BODIES = "bodies"  # raw webhooks
    SESSIONS = "sessions"  # logins that are over
    LINK_CLAIMS = "link_claims"  # of processes that died


class Metrics:
    """The metrics of one app, in a registry of their own.

    `shared_directory`: where the worker processes of one service put what they measure, so that
    each can answer for all of them. prometheus_client looks for the same directory when it is
    imported, in PROMETHEUS_MULTIPROC_DIR, and then serves one app in each process.
    """

    def __init__(self, shared_directory: Path | None = None) -> None:
        self._shared_directory = shared_directory
        self.registry = CollectorRegistry()
        self._count_payments()
        self._count_calls()
        self._count_checks()
        self._count_streams()
        self._count_notifications()
        self._count_review()
        self._count_pruning()
        self._count_seals()
        self.loop_lag_seconds = self._histogram(
            "loop_lag_seconds", "The event loop ran a timer this late", LAG_SECONDS
        )

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """The text and its Content-Type, as the Accept header asks. Blocks: reads files."""
        encode, content_type = choose_encoder(accept)
        if self._shared_directory is None:
            return encode(self.registry), content_type
        of_all_workers = CollectorRegistry()
        MultiProcessCollector(of_all_workers, str(self._shared_directory))
        return encode(of_all_workers), content_type

    def count_signature(self, thing: SignedThing, position: int) -> None:
        """PayOS signed this with the key at `position` of PAYOS_CHECKSUM_KEY, 1 the first."""
        self.payos_signatures.labels(thing, KeyPosition.of(position)).inc()

    def _count_payments(self) -> None:
        self.webhooks = self._counter(
            "webhooks", "Requests to the webhook", "outcome", WebhookOutcome
        )
        self.append_batch_facts = self._histogram(
            "append_batch_facts", "Facts that shared one commit", FACTS
        )
        self.append_seconds = self._histogram(
            "append_seconds", "From the start of an append to its commit", LATENCY_SECONDS
        )

    def _count_calls(self) -> None:
        self.payos_calls = self._counter_by(
            "payos_calls", "Calls to PayOS", operation=PayOSOperation, outcome=PayOSOutcome
        )
        self.payos_call_seconds = self._histogram(
            "payos_call_seconds", "From a call that was made to its answer", LATENCY_SECONDS
        )
        self.payos_calls_in_flight = self._gauge(
            "payos_calls_in_flight", "Calls that wait for PayOS now"
        )
        self.payos_breaker_open = self._gauge(
            "payos_breaker_open", "Processes that call PayOS for no payer: it gives no answers"
        )
        self.payos_background_breaker_open = self._gauge(
            "payos_background_breaker_open",
            "Processes that reconcile nothing: PayOS does not answer",
        )
        self.payos_signatures = self._counter_by(
            "payos_signatures", "Good signatures of PayOS", thing=SignedThing, key=KeyPosition
        )

    def _count_checks(self) -> None:
        self.checks = self._counter(
            "payos_checks", "Top-ups that PayOS was asked about", "outcome", CheckOutcome
        )
        self.transfers_recovered = self._counter(
            "transfers_recovered", "Transfers that no webhook had brought"
        )
        self.transfers_held = self._counter(
            "transfers_held", "Transfers found by asking that are held for review"
        )
        self.check_overdue_seconds = Gauge(
            "napvi_check_overdue_seconds",
            "How late PayOS is asked about the most urgent top-up",
            registry=self.registry,
            multiprocess_mode="livemostrecent",  # one table, whoever asks
        )
        self.reconciler_failures = self._counter(
            "reconciler_failures", "Times that the reconciler failed and began again"
        )

    def _count_streams(self) -> None:
        self.streams_open = self._gauge("streams_open", "Streams open now")
        self.streams_opened = self._counter(
            "streams_opened", "Streams that began", "how", StreamStart
        )
        self.streams_refused = self._counter(
            "streams_refused", "Streams told to come back later", "reason", StreamRefusal
        )
        self.streams_closed = self._counter(
            "streams_closed", "Streams that ended", "reason", StreamClose
        )
        self.stream_open_batch = self._histogram(
            "stream_open_batch", "Streams that were opened in one batch", TOPUPS
        )
        self.frames_sent = self._counter("frames_sent", "Frames with a state of a top-up")
        self.heartbeats_sent = self._counter("heartbeats_sent", "Heartbeats to silent streams")
        self.wake_to_frame_seconds = self._histogram(
            "wake_to_frame_seconds", "From a notification to the frame", LATENCY_SECONDS
        )
        self.commit_to_frame_seconds = self._histogram(
            "commit_to_frame_seconds",
            "From the recording of an event to its frame, by the clock of the database",
            LATENCY_SECONDS,
        )
        self.commit_to_screen_seconds = self._histogram(
            "commit_to_screen_seconds",
            "From the recording of an event to the word of a browser that it is on the screen",
            LATENCY_SECONDS,
        )
        self.read_batch_topups = self._histogram(
            "read_batch_topups", "Top-ups that shared one read", TOPUPS
        )
        self.sweep_hits = self._counter("sweep_hits", "Top-ups whose news only the sweep found")

    def _count_notifications(self) -> None:
        self.channels_listened = self._gauge("channels_listened", "Channels listened to now")
        self.listener_connects = self._counter(
            "listener_connects", "Connections of the listener, the first one included"
        )
        self.listener_lost = self._counter(
            "listener_lost", "Connections that the listener lost or did not get", "reason",
            ListenerLoss,
        )  # fmt: skip
        self.echo_lag_seconds = self._histogram(
            "echo_lag_seconds", "From sending an echo to hearing it", LATENCY_SECONDS
        )
        self.notify_queue_usage = Gauge(
            "napvi_notify_queue_usage",
            "Share of the notification queue of PostgreSQL that is in use, 0 to 1",
            registry=self.registry,
            multiprocess_mode="livemostrecent",  # one queue, whoever asks
        )

    def _count_review(self) -> None:
        self.suspense_transfers = self._latest("suspense_transfers", "Transfers without a top-up")
        self.suspense_vnd = self._latest("suspense_vnd", "Their sum, in đồng")
        self.conflicts_open = self._latest("conflicts_open", "Conflicts that nobody accepted")
        self.bodies_unread = self._latest("bodies_unread", "Signed webhooks without an event")

    def _count_pruning(self) -> None:
        self.rows_pruned = self._counter("rows_pruned", "Rows forgotten", "kind", Pruned)
        self.pruner_failures = self._counter(
            "pruner_failures", "Rounds of forgetting that an error ended"
        )

    def _count_seals(self) -> None:
        self.events_unsealed = self._latest("events_unsealed", "Events without a seal, to 10000")
        self.unsealed_seconds = self._latest("unsealed_seconds", "Age of the oldest of them")
        self.sealer_failures = self._counter(
            "sealer_failures", "Times that sealing failed and began again"
        )

    def _latest(self, name: str, help: str) -> Gauge:
        """Of the database: whichever process asked last is right."""
        return Gauge(
            f"napvi_{name}", help, registry=self.registry, multiprocess_mode="livemostrecent"
        )

    def _counter(
        self, name: str, help: str, label: str | None = None, values: Iterable[str] = ()
    ) -> Counter:
        labels = () if label is None else (label,)
        counter = Counter(f"napvi_{name}", help, labels, registry=self.registry)
        for value in values:
            counter.labels(value)
        return counter

    def _counter_by(self, name: str, help: str, **labels: Iterable[str]) -> Counter:
        counter = Counter(f"napvi_{name}", help, tuple(labels), registry=self.registry)
        for values in product(*labels.values()):
            counter.labels(*values)
        return counter

    def _gauge(self, name: str, help: str) -> Gauge:
        return Gauge(f"napvi_{name}", help, registry=self.registry, multiprocess_mode="livesum")

    def _histogram(self, name: str, help: str, buckets: Iterable[float]) -> Histogram:
        return Histogram(f"napvi_{name}", help, registry=self.registry, buckets=tuple(buckets))


def forget_process(shared_directory: Path, pid: int) -> None:
    """A worker has ended: what it counted stays, what it had open is gone."""
    mark_process_dead(pid, str(shared_directory))
