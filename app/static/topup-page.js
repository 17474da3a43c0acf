// The top-up page: the amount, then the code to scan, then the result.

import "./copy.js";
import { clear, handle, postJson, Problem } from "./forms.js";
import { loadPage } from "./load-page.js";
import { parseDong } from "./money.js";
import { watch } from "./topup-slip.js";

const form = document.querySelector("#new-topup");
const slip = document.querySelector("[data-update]");
if (form) offer(form);
// This page is from just now: browsers keep none (`no-store`).
const [here] = performance.getEntriesByType("navigation");
if (slip) watch(slip, here?.responseStart ?? performance.now());

function offer(form) {
  const { amount } = form.elements;
  const attempt = newAttempt();
  const write = (text) => {
    const value = parseDong(text);
    if (value !== null) amount.value = value.toLocaleString("vi-VN");
  };
  form.addEventListener("click", ({ target: { dataset } }) => {
    if (!dataset.amount) return;
    write(dataset.amount);
    clear(form);
  });
  amount.addEventListener("change", () => write(amount.value));
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
  const asked = performance.now();
  const page = await loadPage(path);
  if (!page) return location.reload();
  document.title = page.title;
  document.querySelector("main").replaceWith(page.querySelector("main"));
  watch(document.querySelector("[data-update]"), asked);
  document.querySelector("h1").focus();
}
