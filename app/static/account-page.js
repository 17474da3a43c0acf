// Login and registration, which logs in as well.

import { handle, postJson } from "./forms.js";

const form = document.querySelector("#account");

handle(form, async ({ username, password }) => {
  await postJson(`/api/auth/${form.dataset.kind}`, { username, password });
  location.assign(form.dataset.after);
});
