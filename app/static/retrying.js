// What did not come is asked for again: this page as it is now, the picture of its code.

import { loadPage } from "./load-page.js";

const RETRY_SECONDS = 3; // after the first failure, then twice as long each time
const RETRY_SECONDS_MAX = 60;

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
  let pause = RETRY_SECONDS;
  const look = async () => {
    if (!stale || loading || !wanted()) return;
    loading = true;
    stale = false;
    const page = await loadPage(location.pathname);
    loading = false;
    if (page) {
      pause = RETRY_SECONDS;
      take(page);
      return look();
    }
    stale = true;
    setTimeout(look, pause * 1000);
    pause = longer(pause);
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
  for (let pause = RETRY_SECONDS; image?.isConnected && !(await isDrawn(image)); ) {
    await new Promise((done) => setTimeout(done, pause * 1000));
    image.src = image.src; // asks again
    pause = longer(pause);
  }
}

/** Who cannot be served now shall not be asked by everybody at once, nor for ever as often. */
function longer(pause) {
  return Math.min(pause * 2, RETRY_SECONDS_MAX) * (1 - Math.random() / 4);
}

function isDrawn(image) {
  return image.decode().then(
    () => true,
    () => false,
  );
}
