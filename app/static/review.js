// While a transfer waits for a person. Whose the money was is no event of a top-up that gets none.

import { loadPage } from "./load-page.js";

/** Who comes back to the page is told whether it still waits. @param {HTMLElement} slip */
export function askAgain(slip) {
  document.addEventListener("visibilitychange", async () => {
    if (document.hidden || slip.dataset.sentence !== "review") return;
    const newer = (await loadPage(location.pathname))?.querySelector(".slip");
    if (newer && newer.dataset.sentence !== "review") location.reload();
  });
}
