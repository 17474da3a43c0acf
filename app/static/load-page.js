// A page of ours, as the server makes it now.

const PATIENCE_SECONDS = 10;

/** @param {string} path @returns {Promise<Document | null>} null when there is none */
export async function loadPage(path) {
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_SECONDS * 1000) });
    if (!answer.ok || answer.redirected) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null; // no network, or it broke off
  }
}
