/**
 * The state of one top-up, as it changes. One EventSource, one reducer, no dependencies.
 *
 *   const stream = openTopupStream("T0123ABCD", { onStatus: (update) => show(update) });
 *
 * connecting ──open──▶ live ──final──▶ closed
 *      │                │ broken: the browser reconnects first, because it knows the last id
 *      │                ▼         and the server's `retry:`; if that fails too, we do
 *      └─────────▶ reconnecting ──backoff──▶ connecting
 *                       └─ refused (not 200): ask /api/topup/status why;
 *                          logged out or no such top-up: closed, else backoff
 *
 * A healthy run asks for nothing but the stream.
 *
 * @typedef {object} TopupUpdate A frame's data, and the answer of /api/topup/status.
 * @property {string} tx_ref
 * @property {number} seq 1, 2, 3 … of this top-up; a larger one is newer
 * @property {"pending"|"underpaid"|"confirmed"|"failed"|"cancelled"|"expired"} status
 * @property {number} amount đồng asked for
 * @property {number} amount_paid đồng received
 * @property {number} wallet_balance the owner's, in đồng, as of this update
 * @property {boolean} late the money came after the top-up had closed
 * @property {boolean} final nothing more will come
 * @property {string} expires_at
 *
 * @typedef {"connecting"|"live"|"reconnecting"|"closed"} Connection
 *
 * @typedef {object} Handlers
 * @property {TopupUpdate} [initial] a state that the page has already
 * @property {(update: TopupUpdate) => void} [onStatus] each newer state, once
 * @property {(connection: Connection) => void} [onConnection]
 * @property {(problem: {code: string}) => void} [onError] told by the server; the stream is
 *   closed for good if `connection` is
 */

const OPEN_SECONDS = 10; // a dead pooled socket neither opens nor fails
const SILENCE_SECONDS = 45; // the server says something every 30 s
const AWAY_SECONDS = 10; // a phone drops the sockets of a page that is away, without telling it
const BACKOFF_SECONDS = 1;
const BACKOFF_SECONDS_MAX = 60;
const FOR_GOOD = new Set([400, 401, 404]);

/**
 * @param {string} txRef
 * @param {Handlers} handlers
 * @returns {TopupStream}
 */
export function openTopupStream(txRef, handlers = {}) {
  return new TopupStream(txRef, handlers);
}

/**
 * The one rule of what is newer: a larger seq, or a restart by the server. The end can come
 * without a new state: a top-up that closed unpaid waits for late money, and then no longer.
 * @param {TopupUpdate | null} state
 * @param {TopupUpdate} update
 * @param {boolean} [restart]
 * @returns {TopupUpdate}
 */
export function reduce(state, update, restart = false) {
  if (restart || state === null || update.seq > state.seq) return update;
  return update.final && update.seq === state.seq ? { ...state, final: true } : state;
}

class TopupStream {
  #query;
  #handlers;
  #state;
  #connection = "closed";
  #source = null;
  #question = null;
  #timer = 0;
  #failures = 0;
  #hiddenAt = 0;
  #events = new AbortController();

  constructor(txRef, { initial = null, ...handlers }) {
    this.#query = "?" + new URLSearchParams({ tx_ref: txRef });
    this.#handlers = handlers;
    this.#state = initial;
    if (initial?.final) return;
    this.#followThePage();
    this.#connect();
  }

  /** @returns {TopupUpdate | null} the newest known */
  get state() {
    return this.#state;
  }

  /** @returns {Connection} */
  get connection() {
    return this.#connection;
  }

  /** Ends the stream and everything that would reopen it. May be called again. */
  close() {
    this.#events.abort();
    this.#drop();
    this.#say("closed");
  }

  #connect() {
    this.#drop();
    this.#say(this.#failures > 0 ? "reconnecting" : "connecting");
    const source = new EventSource("/api/topup/stream" + this.#query);
    source.addEventListener("open", () => this.#alive());
    source.addEventListener("heartbeat", () => this.#heard());
    source.addEventListener("status-update", ({ data }) => this.#take(JSON.parse(data)));
    source.addEventListener("reset", ({ data }) => this.#take(JSON.parse(data), true));
    source.addEventListener("error", ({ data }) =>
      data === undefined ? this.#broken() : this.#handlers.onError?.(JSON.parse(data)),
    );
    this.#source = source;
    this.#wait(OPEN_SECONDS, () => this.#retry());
  }

  #alive() {
    this.#say("live");
    this.#wait(SILENCE_SECONDS, () => this.#retry());
  }

  /** Only bytes prove a stream: a server under load opens it and ends it at once. */
  #heard() {
    this.#failures = 0;
    this.#alive();
  }

  #take(update, restart) {
    this.#heard();
    this.#accept(update, restart);
  }

  #accept(update, restart) {
    const known = this.#state;
    this.#state = reduce(known, update, restart);
    if (this.#state.final) this.close();
    if (restart || this.#state.seq !== known?.seq) this.#handlers.onStatus?.(this.#state);
  }

  #broken() {
    if (this.#source.readyState === EventSource.CLOSED) {
      this.#ask();
    } else if (this.#failures === 0) {
      this.#failures = 1;
      this.#say("reconnecting"); // the browser has until the silence gets too long
    } else {
      this.#retry();
    }
  }

  /** An EventSource hides why it was refused. */
  async #ask() {
    this.#drop();
    this.#say("reconnecting");
    this.#wait(OPEN_SECONDS, () => this.#retry());
    const { signal } = (this.#question = new AbortController());
    try {
      const answer = await fetch("/api/topup/status" + this.#query, { signal });
      const body = await answer.json();
      if (signal.aborted) return;
      if (FOR_GOOD.has(answer.status)) {
        this.close();
        this.#handlers.onError?.(body);
        return;
      }
      if (answer.ok) this.#accept(body);
    } catch {
      // No network, or no JSON from a proxy: the backoff below is the remedy.
    }
    if (!signal.aborted) this.#retry();
  }

  #retry() {
    this.#drop();
    const seconds = Math.min(BACKOFF_SECONDS * 2 ** this.#failures++, BACKOFF_SECONDS_MAX);
    this.#say("reconnecting");
    this.#wait(seconds * (0.5 + Math.random() / 2), () => this.#connect());
  }

  /** The page can be frozen, put away and brought back; a stream does not survive that. */
  #followThePage() {
    const { signal } = this.#events;
    const on = (target, event, handler) => target.addEventListener(event, handler, { signal });
    on(window, "pagehide", () => this.#drop());
    on(window, "pageshow", ({ persisted }) => persisted && this.#connect());
    on(window, "online", () => this.#connection !== "live" && this.#connect());
    on(document, "visibilitychange", () => {
      if (document.hidden) this.#hiddenAt = Date.now();
      else if (Date.now() - this.#hiddenAt > AWAY_SECONDS * 1000) this.#connect();
    });
  }

  #wait(seconds, then) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, seconds * 1000);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#question?.abort();
  }

  #say(connection) {
    if (this.#connection === connection) return;
    this.#connection = connection;
    this.#handlers.onConnection?.(connection);
  }
}
