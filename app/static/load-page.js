// A page of ours, as the server makes it now.

/** @param {string} path @returns {Promise<Document | null>} null when there is none */
export async function loadPage(path) {
  const answer = await fetch(path).catch(() => null);
  if (!answer?.ok || answer.redirected) return null;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}
