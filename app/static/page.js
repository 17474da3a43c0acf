// What every page does.

import { postJson } from "./forms.js";

document.querySelector("#log-out")?.addEventListener("click", async () => {
  await postJson("/api/auth/logout", {}).catch(() => {});
  location.assign("/login"); // which leads back to the wallet if the login has not ended
});

// A page that comes back from the browser's cache shows an old balance, perhaps of a login that
// has ended. While it follows a stream, it renews itself.
const FOLLOWING = '[data-update]:not([data-connection="closed"])';
addEventListener("pageshow", ({ persisted }) => {
  if (persisted && !document.querySelector(FOLLOWING)) location.reload();
});
