// The top-up page: the amount, then the code to scan, then the result.

import { handle, postJson, Problem } from "./forms.js";
import { dong, parseDong } from "./money.js";
import { TopupStream } from "./topup-stream.js";

const COPIED_SECONDS = 2;

const form = document.querySelector("#new-topup");
const slip = document.querySelector("[data-update]");
if (form) offer(form);
if (slip) watch(slip);

function offer(form) {
  const { amount } = form.elements;
  const attempt = newAttempt();
  form.addEventListener("click", ({ target }) => {
    if (target.dataset.amount) amount.value = target.dataset.amount;
  });
  amount.addEventListener("change", () => {
    const value = parseDong(amount.value);
    if (value !== null) amount.value = value.toLocaleString("vi-VN");
  });
  handle(form, async () => {
    const value = parseDong(amount.value);
    if (value === null || value < Number(form.dataset.min) || value > Number(form.dataset.max)) {
      throw new Problem("invalid_request", [{ field: "amount" }]);
    }
    const key = attempt(value);
    const { tx_ref } = await postJson("/api/topup/init", { amount: value }, key);
    await show(`/wallet/topup/${tx_ref}`);
  });
}

/** One key for as long as the amount is the same: a retry continues, it does not start anew. */
function newAttempt() {
  let current = { amount: NaN, key: "" };
  return (amount) => {
    if (amount !== current.amount) {
      // crypto.randomUUID is missing where the page came over plain HTTP.
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      current = { amount, key: Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("") };
    }
    return { "Idempotency-Key": current.key };
  };
}

/** The server renders the page of a top-up, here as in a tab that opens it later. */
async function show(path) {
  history.replaceState(null, "", path);
  const answer = await fetch(path).catch(() => null);
  if (!answer?.ok) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = page.title;
  document.querySelector("main").replaceWith(page.querySelector("main"));
  const slip = document.querySelector("[data-update]");
  watch(slip);
  document.querySelector("h1").focus();
}

function watch(slip) {
  const texts = JSON.parse(slip.dataset.texts);
  const initial = JSON.parse(slip.dataset.update);
  const part = (name) => slip.querySelector(`[data-part="${name}"]`);
  const render = (update) => {
    const sentence = sentenceFor(update);
    const missing = update.amount - update.amount_paid;
    const amounts = { paid: dong(update.amount_paid), missing: dong(missing) };
    slip.dataset.sentence = sentence;
    write(part("sentence"), fill(texts[sentence], amounts));
    write(part("more"), fill(texts[`${sentence}_more`], amounts));
    write(part("balance"), dong(update.wallet_balance));
    if (sentence === "underpaid" && part("due")) {
      write(part("due"), amounts.missing);
      part("due-copy").dataset.copy = missing;
    }
  };
  const stream = new TopupStream(initial.tx_ref, { initial });
  stream.addEventListener("status", ({ detail }) => {
    slip.classList.add("changed");
    render(detail);
  });
  stream.addEventListener("connection", ({ detail }) => {
    slip.dataset.connection = detail;
    write(part("connection"), texts[detail]);
  });
  stream.addEventListener("error", ({ detail: { code } }) => {
    if (code === "not_logged_in") location.assign(`/login?next=${location.pathname}`);
    if (stream.connection === "closed") write(part("connection"), texts.stopped);
  });
  const left = Date.parse(initial.expires_at) - Date.now();
  if (left > 0) setTimeout(() => render(stream.state), left);
}

/** The same rule as `live_sentence` in app/web/pages.py. */
export function sentenceFor({ status, late, amount_paid, expires_at }) {
  if (late && amount_paid > 0) return "late";
  if (status !== "pending") return status;
  return Date.now() >= Date.parse(expires_at) ? "overdue" : "waiting";
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A live region announces what is written into it: write only what is new. */
function write(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  await copy(button.dataset.copy);
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), COPIED_SECONDS * 1000);
});

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Over plain HTTP there is no clipboard object; the old command still works.
  const field = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
