/**
 * The state of one top-up, as it changes.
 *
 * One tab of a browser leads: it has the stream and tells the others. Its Web Lock passes on when
 * it dies, and is taken when it hangs. Without locks (plain HTTP) every tab leads.
 *
 * @typedef {{tx_ref: string, seq: number, type: string, status: string, amount: number,
 *   amount_paid: number, confirmed_at: string | null, late: boolean,
 *   under_review: boolean, final: boolean, wallet_balance: number, expires_at: string,
 *   recorded_at: string, stream?: boolean}} TopupUpdate docs/events.md
 * @typedef {"connecting"|"live"|"reconnecting"|"polling"|"closed"} Connection
 */

const OPEN_SECONDS = 10; // a dead socket neither opens nor fails
const SILENCE_SECONDS = 45; // the server says something every 30 s
const BACKOFF_SECONDS = 1;
const BACKOFF_SECONDS_MAX = 60;
const POLL_SECONDS = 3;
const POLL_SECONDS_MAX = 15;
const FOR_GOOD = [400, 401, 404];

const always = { back: "returning", gone: "away", end: "closed" };
const leading = { ...always, stolen: "following", online: "returning" };
const full = { busy: "down", too_many: "down", unavailable: "down" };
const told = { ...full, superseded: "yielded", off: "off", not_logged_in: "closed" };
const broken = { empty: "asking", refused: "asking" }; // `empty`: it ended without a word
const focus = "returning";

/** What can happen in each state, and the next state; docs/browser.md says what each does. */
export const TRANSITIONS = {
  // Hears the tab that leads.
  following: { ...always, leads: "opening", silent: "following", focus },
  opening: { ...leading, ...told, ...broken, event: "live", late: "asking" },
  live: { ...leading, ...told, broken: "retrying", empty: "asking", silent: "asking" },
  // The browser reconnects: it knows the last id. Polls.
  retrying: { ...leading, ...broken, open: "live", silent: "asking", focus },
  asking: { ...leading, ...told, event: "live", asked: "down" },
  down: { ...leading, due: "opening", focus },
  yielded: { ...leading, focus },
  off: { ...leading, on: "opening", focus },
  returning: { gone: "away", end: "closed", asked: "following" },
  away: { back: "returning", end: "closed" },
  closed: {},
};

const HEAR = ["live", "retrying", "asking"];
const POLL = ["retrying", "down", "yielded", "off"];
/** By the event, else by the state; else as before. */
const SHOWN = {
  busy: "polling",
  too_many: "polling",
  yielded: "polling",
  off: "polling",
  live: "live",
  retrying: "reconnecting",
  asking: "reconnecting",
  down: "reconnecting",
  returning: "reconnecting",
  closed: "closed",
};

/** The end, also of a review, may come without a newer state. */
function reduce(state, update, restart) {
  if (restart || !(update.seq <= state?.seq)) return update;
  if (update.seq < state.seq) return state;
  const under_review = state.under_review && update.under_review;
  return { ...state, final: state.final || update.final, under_review };
}

/**
 * Events and their `detail`: `status` {TopupUpdate}, `connection` {Connection}, `error` {code},
 * `transition` {from, event, to}: docs/browser.md.
 */
export class TopupStream extends EventTarget {
  #query;
  #state;
  #streams; // whether this user gets the stream
  #phase = "closed";
  /** @type {Connection} */
  #connection = "closed";
  #visit = 0; // what began before the last transition does not matter
  #failures = 0;
  #pollSeconds;
  #heardAt;
  #spoke;
  #timer;
  #pollTimer;
  #source;
  #question;
  #place;
  #channel;
  #page = new AbortController();

  /**
   * @param {string} txRef
   * @param {{initial?: TopupUpdate | null}} [known] what the page has
   */
  constructor(txRef, { initial = null } = {}) {
    super();
    this.#query = "?tx_ref=" + encodeURIComponent(txRef);
    this.#state = initial;
    this.#streams = initial?.stream !== false;
    this.#pollSeconds = initial ? POLL_SECONDS : 0;
    if (initial?.final) return;
    this.#connection = "connecting";
    this.#phase = "following";
    this.#followThePage();
    this.#follow();
  }

  /** @returns {TopupUpdate | null} */
  get state() {
    return this.#state;
  }

  /** @returns {Connection} */
  get connection() {
    return this.#connection;
  }

  /** Ends the stream and all that would reopen it. */
  close() {
    this.#happens("end");
  }

  #happens(event, told) {
    const from = this.#phase;
    const to = TRANSITIONS[from][event];
    if (!to) return;
    const visit = ++this.#visit;
    clearTimeout(this.#timer);
    clearTimeout(this.#pollTimer);
    this.#question?.abort();
    if (!HEAR.includes(to)) this.#source?.close();
    this.#phase = to;
    this.#dispatch("transition", { from, event, to });
    this.#say(SHOWN[event] ?? SHOWN[to] ?? this.#connection);
    this.#share();
    if (visit !== this.#visit) return; // a listener closed it
    if (POLL.includes(to)) this.#poll();
    this.#enter[to]?.(event, told);
  }

  #enter = {
    following: (event) => this.#follow(event),
    opening: () => (this.#streams ? this.#open() : this.#happens("off")),
    live: () => this.#watch(),
    retrying: () => this.#watch(),
    asking: async () => (await this.#ask()) && this.#happens("asked"),
    down: (_, secondsMin) => this.#backOff(secondsMin),
    returning: () => {
      this.#forget();
      this.#enter.asking();
    },
    away: () => this.#leave(),
    closed: () => {
      this.#page.abort();
      if (!this.#state?.final) return this.#leave();
      setTimeout(() => this.#leave(), 1000); // the others hear the end first
    },
  };

  /** Leads as soon as no other tab does; at once if that one is silent, or the payer is back. */
  #follow(event) {
    const steal = event === "silent" || (event === "asked" && !document.hidden);
    const place = new AbortController();
    const { signal } = place;
    const lead = () => {
      if (signal.aborted) return;
      this.#happens("leads");
      return new Promise((done) => signal.addEventListener("abort", done));
    };
    if (navigator.locks) {
      const name = "napvi" + this.#query;
      navigator.locks
        .request(name, steal ? { steal } : { signal }, lead)
        .catch(() => signal.aborted || (this.#leads ? this.#happens("stolen") : lead()));
      this.#channel ??= new BroadcastChannel(name);
      this.#channel.onmessage = ({ data }) => this.#hear(data);
      this.#share();
    } else queueMicrotask(lead);
    this.#place?.abort(); // only now: nobody can come between
    this.#place = place;
    this.#heardAt = Date.now() - (SILENCE_SECONDS - OPEN_SECONDS) * 1000;
    this.#watch();
  }

  #leave() {
    this.#place?.abort();
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** Another tab. */
  #hear({ connection, update, restart }) {
    if (update) this.accept(update, restart, true);
    if (!connection) return this.#leads && this.#share(); // a tab that does not lead is new
    if (this.#phase !== "following") return;
    this.#heardAt = Date.now();
    this.#say(connection);
  }

  get #leads() {
    return TRANSITIONS[this.#phase].online;
  }

  #share(restart) {
    const connection = this.#leads ? this.#connection : undefined;
    this.#channel?.postMessage({ connection, update: this.#state, restart });
  }

  #open() {
    const source = new EventSource("/api/topup/stream" + this.#query);
    const on = (event, handler) => source.addEventListener(event, handler);
    on("open", () => {
      this.#heardAt = Date.now();
      this.#happens("open");
    });
    on("heartbeat", () => this.#heard());
    on("status-update", ({ data }) => this.#heard(JSON.parse(data)));
    on("reset", ({ data }) => this.#heard(JSON.parse(data), true));
    on("error", ({ data }) => (data === undefined ? this.#broke() : this.#told(JSON.parse(data))));
    this.#source = source;
    this.#spoke = false;
    this.#wait(OPEN_SECONDS, "late");
  }

  /** Only events prove a stream: a proxy may hold them back, a full server ends it at once. */
  #heard(update, restart) {
    this.#heardAt = Date.now();
    this.#spoke = true;
    this.#forget();
    this.#happens("event");
    if (update) this.accept(update, restart);
    else this.#share();
  }

  #forget() {
    this.#failures = 0;
    this.#pollSeconds = POLL_SECONDS;
  }

  /** Takes a newer state that came another way. @param {TopupUpdate} update */
  accept(update, restart, shared) {
    if (this.#phase === "closed") return;
    const known = this.#state;
    const state = (this.#state = reduce(known, update, restart));
    if (!shared) this.#share(restart);
    if (state.final) this.#happens("end");
    const news = state.seq !== known?.seq || state.under_review !== known.under_review;
    if (restart || news) this.#dispatch("status", state);
  }

  #broke() {
    if (this.#source.readyState === EventSource.CLOSED) return this.#happens("refused");
    const spoke = this.#spoke;
    this.#spoke = false;
    if (!spoke) this.#source.close();
    this.#happens(spoke ? "broken" : "empty");
  }

  #told(problem) {
    if (problem.code === "off") this.#streams = false;
    if (full[problem.code]) this.#pollSeconds = problem.retry_seconds;
    this.#happens(problem.code, problem.retry_seconds + POLL_SECONDS);
    this.#dispatch("error", problem);
  }

  /** Timers freeze with the page: what counts is when something was heard. Clocks go back. */
  #watch() {
    const left = this.#heardAt + SILENCE_SECONDS * 1000 - Date.now();
    if (left <= 0 || left > SILENCE_SECONDS * 1000) this.#happens("silent");
    else this.#timer = setTimeout(() => this.#watch(), left);
  }

  #backOff(secondsMin = 0) {
    const seconds = Math.min(BACKOFF_SECONDS * 2 ** this.#failures++, BACKOFF_SECONDS_MAX);
    this.#wait(Math.max(secondsMin, seconds * (0.5 + Math.random() / 2)), "due");
  }

  #wait(seconds, event) {
    this.#timer = setTimeout(() => this.#happens(event), seconds * 1000);
  }

  #poll() {
    this.#pollTimer = setTimeout(async () => {
      const longer = this.#pollSeconds * (1.25 + Math.random() / 2);
      this.#pollSeconds = Math.min(longer, POLL_SECONDS_MAX);
      if (await this.#ask()) this.#poll();
    }, this.#pollSeconds * 1000);
  }

  /** Resolves to false when the answer does not matter any more. */
  async #ask() {
    this.#pollSeconds ||= POLL_SECONDS;
    const visit = this.#visit;
    const question = (this.#question = new AbortController());
    const { signal } = question;
    const patience = setTimeout(() => question.abort(), OPEN_SECONDS * 1000);
    try {
      const answer = await fetch("/api/topup/status" + this.#query, { signal });
      const body = await answer.json();
      if (visit !== this.#visit) return false;
      if (answer.ok) this.#answered(body);
      else if (FOR_GOOD.includes(answer.status)) {
        this.#happens("end");
        this.#dispatch("error", { ...body });
      }
    } catch {
      // The next attempt helps.
    } finally {
      clearTimeout(patience);
    }
    return visit === this.#visit;
  }

  #answered(body) {
    this.#streams = body.stream !== false;
    this.accept(body);
    if (this.#streams) this.#happens("on");
  }

  /** A stream does not survive a page that is put away. */
  #followThePage() {
    const { signal } = this.#page;
    const on = (target, name, event, holds = () => true) =>
      target.addEventListener(name, (e) => holds(e) && this.#happens(event), { signal });
    on(window, "pagehide", "gone");
    on(document, "freeze", "gone");
    on(window, "pageshow", "back", ({ persisted }) => persisted);
    on(document, "resume", "back");
    on(document, "visibilitychange", "back", () => !document.hidden);
    on(window, "online", "online");
    on(window, "focus", "focus", () => ["reconnecting", "polling"].includes(this.#connection));
  }

  #say(connection) {
    if (this.#connection === connection) return;
    this.#connection = connection;
    this.#dispatch("connection", connection);
  }

  #dispatch(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
