// What did not come is asked for again: this page as it is now, the picture of its code.

import { loadPage } from "./load-page.js";

const RETRY_SECONDS = 3;

/**
 * Loads this page for `take`, one after the other, so that none is older than what was taken.
 * @param {() => boolean} wanted whether somebody looks
 * @param {(page: Document) => void} take
 * @returns {{stale: () => void, look: () => void}} `stale`: what was taken is not the newest any
 *   more; `look`: perhaps somebody looks now
 */
export function renewal(wanted, take) {
  let stale = false;
  let loading = false;
  const look = async () => {
    if (!stale || loading || !wanted()) return;
    loading = true;
    stale = false;
    const page = await loadPage(location.pathname);
    loading = false;
    if (page) {
      take(page);
      return look();
    }
    stale = true;
    setTimeout(look, RETRY_SECONDS * 1000);
  };
  return {
    look,
    stale: () => {
      stale = true;
      look();
    },
  };
}

/** Until it is there, or gone from the page. @param {HTMLImageElement | null} image */
export async function insist(image) {
  while (image?.isConnected && !(await isDrawn(image))) {
    await new Promise((done) => setTimeout(done, RETRY_SECONDS * 1000));
    image.src = image.src; // asks again
  }
}

function isDrawn(image) {
  return image.decode().then(
    () => true,
    () => false,
  );
}
