// A page of ours, as the server makes it now.

/** @param {string} path @returns {Promise<Document | null>} null when there is none */
export async function loadPage(path) {
  const answer = await fetch(path).catch(() => null);
  if (!answer?.ok || answer.redirected) return null;
  const html = await answer.text().catch(() => null); // cut off on its way
  return html === null ? null : new DOMParser().parseFromString(html, "text/html");
}
