// No module, and first of all: says so when one of the modules does not come, because then none of
// those that need it runs, and the page only seems to work.

addEventListener(
  "error",
  ({ target }) => {
    if (target.tagName === "SCRIPT") document.documentElement.classList.add("incomplete");
  },
  true, // what fails to load tells nobody above it
);
