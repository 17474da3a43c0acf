// The slip of one top-up, kept up to date while the payer watches.

import { offerToCancel } from "./cancel.js";
import { countDown, serverClock } from "./countdown.js";
import { loadPage } from "./load-page.js";
import { dong } from "./money.js";
import { askAgain } from "./review.js";
import { tellSeen } from "./seen.js";
import { TopupStream } from "./topup-stream.js";

const CALM_SECONDS = 1.5; // shorter interruptions are not worth a word
const OUT_OF_TIME = { pending: "overdue", underpaid: "incomplete" };
const FULL = ["busy", "too_many"]; // no place for a stream: it polls until there is one

/** @param {HTMLElement} slip */
export function watch(slip) {
  const texts = JSON.parse(slip.dataset.texts);
  const initial = JSON.parse(slip.dataset.update);
  const now = serverClock(slip.dataset.now);
  const part = (name) => slip.querySelector(`[data-part="${name}"]`);
  const renewHistory = keepHistory(document.querySelector("#history"));
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
    if (detail.type === "topup.linked" || !slip.querySelector(".next [target]")) showCode(slip);
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
    if (!FULL.includes(code)) return;
    clearTimeout(trouble); // no connection was lost
    write(part("connection"), texts.polling);
  });
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
async function showCode(slip) {
  const page = await loadPage(location.pathname);
  for (const place of [".frame > :first-child", ".next"]) {
    const newer = page?.querySelector(`.slip ${place}`);
    if (newer) slip.querySelector(place).replaceWith(newer);
  }
  if (!slip.querySelector(".transfer")) slip.append(...(page?.querySelectorAll(".transfer") ?? []));
}

/** What has happened is asked for only when somebody looks. */
function keepHistory(details) {
  let stale = false;
  let asking = false;
  const renew = async () => {
    if (asking || !stale || !details.open) return;
    [stale, asking] = [false, true];
    const newer = (await loadPage(location.pathname))?.querySelector("#history ol");
    if (newer) details.querySelector("ol").replaceWith(newer);
    asking = false;
    renew(); // one after another: an older answer that comes later would stay
  };
  details.addEventListener("toggle", renew);
  return () => {
    stale = true;
    renew();
  };
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
