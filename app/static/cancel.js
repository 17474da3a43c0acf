// Calling a top-up off, once the payer has said so twice.

import { Problem, handle, postJson } from "./forms.js";

/**
 * @param {HTMLFormElement} form with a dialog after it
 * @param {import("./topup-stream.js").TopupStream} stream tells how the top-up stands
 */
export function offerToCancel(form, stream) {
  const dialog = form.nextElementSibling;
  const pending = () => stream.state.status === "pending";
  stream.addEventListener("status", () => {
    if (!pending()) dialog.close(); // there is nothing to decide any more
  });
  handle(form, async () => {
    if (await agreed(dialog)) {
      const update = await postJson("/api/topup/cancel", { tx_ref: stream.state.tx_ref });
      if (update.status === "pending") throw new Problem("unknown"); // PayOS says that money came
      stream.accept(update);
    }
    if (!pending()) document.querySelector("h1").focus(); // the button is gone
  });
}

async function agreed(dialog) {
  dialog.returnValue = ""; // some browsers leave it as it was on Escape
  dialog.showModal();
  await next(dialog, "close");
  return dialog.returnValue === "yes";
}

function next(target, event) {
  return new Promise((done) => target.addEventListener(event, done, { once: true }));
}
