// Buttons that copy their data-copy. What a browser does not let us copy is selected, for the payer.

const COPIED_SECONDS = 2;

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button || !(await copy(button.dataset.copy, button.previousElementSibling))) return;
  const told = button.closest("section").querySelector("[aria-live]");
  const [, done, what] = button.children;
  told.textContent = `${done.textContent}: ${what.textContent}`;
  button.classList.add("copied");
  setTimeout(() => {
    told.textContent = "";
    button.classList.remove("copied");
  }, COPIED_SECONDS * 1000);
});

/** Resolves to whether it was copied. */
async function copy(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain HTTP there is no clipboard, in the browser of an app it may be refused.
    return command(text, shown);
  }
}

/** The old way, which takes what is selected, or what a listener gives instead. */
function command(text, shown) {
  const selection = getSelection();
  selection.selectAllChildren(shown);
  const give = (event) => {
    event.preventDefault();
    event.clipboardData.setData("text/plain", text);
  };
  document.addEventListener("copy", give);
  const copied = document.execCommand("copy");
  document.removeEventListener("copy", give);
  if (copied) selection.removeAllRanges();
  return copied;
}
