// The slip of one top-up, kept up to date while the payer watches.

import { offerToCancel } from "./cancel.js";
import { countDown, serverClock } from "./countdown.js";
import { dong } from "./money.js";
import { insist, renewal } from "./retrying.js";
import { askAgain } from "./review.js";
import { tellSeen } from "./seen.js";
import { TopupStream } from "./topup-stream.js";

const CALM_SECONDS = 1.5; // shorter interruptions are not worth a word
const OUT_OF_TIME = { pending: "overdue", underpaid: "incomplete" };

/**
 * @param {HTMLElement} slip
 * @param {number} made when its answer began, as performance.now() counts
 */
export function watch(slip, made) {
  const texts = JSON.parse(slip.dataset.texts);
  const initial = JSON.parse(slip.dataset.update);
  const now = serverClock(slip.dataset.now, made);
  const part = (name) => slip.querySelector(`[data-part="${name}"]`);
  const renewHistory = keepHistory(document.querySelector("#history"));
  const renewCode = renewal(
    () => stream.connection !== "closed",
    (page) => {
      showCode(slip, page);
      render(stream.state); // the page may be older than that
    },
  );
  const render = (update) => {
    const sentence = sentenceFor(update, now());
    const missing = update.amount - update.amount_paid;
    const amounts = { paid: dong(update.amount_paid), missing: dong(missing) };
    slip.dataset.sentence = sentence;
    const news = fill(texts[sentence], amounts);
    if (write(part("sentence"), news)) {
      document.title = `${news} · nạp ví`;
      // At once, not smoothly: nothing glides where the tab is hidden, or motion is unwanted.
      part("sentence").closest(".state").scrollIntoView({ block: "nearest", behavior: "instant" });
      keepFocus();
    }
    write(part("more"), fill(texts[`${sentence}_more`], amounts));
    write(part("balance"), dong(update.wallet_balance));
    part("share").setAttribute("stroke-dasharray", `${update.amount_paid} ${update.amount}`);
    if (part("due")) {
      const due = update.status === "underpaid" ? missing : update.amount;
      write(part("due"), dong(due));
      part("due-copy").dataset.copy = due;
    }
  };
  const stream = new TopupStream(initial.tx_ref, { initial });
  let live = false; // before the end, which closes the connection first
  let trouble;
  stream.addEventListener("status", ({ detail }) => {
    slip.classList.add("changed");
    render(detail);
    renewHistory();
    if (detail.type === "topup.linked" || !slip.querySelector(".next [target]")) renewCode.stale();
    if (live) tellSeen(detail.recorded_at, Number(slip.dataset.seenShare));
  });
  stream.addEventListener("connection", ({ detail }) => {
    if (detail !== "closed") live = detail === "live";
    slip.dataset.connection = detail;
    clearTimeout(trouble);
    const say = () => write(part("connection"), texts[detail]);
    if (detail === "reconnecting") trouble = setTimeout(say, CALM_SECONDS * 1000);
    else say();
  });
  stream.addEventListener("error", ({ detail: { code } }) => {
    if (code === "not_logged_in") location.assign(`/login?next=${location.pathname}`);
    if (stream.connection === "closed") write(part("connection"), texts.stopped);
  });
  insist(slip.querySelector(".frame img"));
  const cancel = document.querySelector("#cancel");
  if (cancel) offerToCancel(cancel, stream);
  askAgain(slip);
  countDown(part("left"), Date.parse(initial.expires_at), now, () => {
    part("left").parentElement.dataset.over = "";
    render(stream.state);
  });
}

/** The same rule as `live_sentence` in app/web/pages.py. `now`: milliseconds since 1970. */
export function sentenceFor({ status, late, amount_paid, under_review, expires_at }, now) {
  if (late && amount_paid > 0) return "late";
  if (under_review) return "review"; // who pays again meanwhile pays twice
  if (now >= Date.parse(expires_at)) return OUT_OF_TIME[status] ?? status;
  return status === "pending" ? "waiting" : status;
}

/** The page may be older than the payment link. What is not replaced, others hold on to. */
function showCode(slip, page) {
  for (const place of [".frame > :first-child", ".next"]) {
    const newer = page.querySelector(`.slip ${place}`);
    if (newer) slip.querySelector(place).replaceWith(newer);
  }
  if (!slip.querySelector(".transfer")) slip.append(...page.querySelectorAll(".transfer"));
  insist(slip.querySelector(".frame img"));
}

/** What has happened is asked for only when somebody looks. */
function keepHistory(details) {
  const { look, stale } = renewal(
    () => details.open,
    (page) => details.querySelector("ol").replaceWith(page.querySelector("#history ol")),
  );
  details.addEventListener("toggle", look);
  return stale;
}

/** What had the focus may be hidden now: who hears the page goes on from its title. */
function keepFocus() {
  if (getComputedStyle(document.activeElement).visibility !== "hidden") return;
  document.querySelector("h1").focus({ preventScroll: true });
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A live region announces what is written into it: write only what is new. Was it? */
function write(place, text) {
  if (place.textContent === text) return false;
  place.textContent = text;
  return true;
}
