// How long a payer still has, by the clock of the server: that of a phone may be wrong.

const SECOND_MS = 1000;

/** @param {number} leftMs @returns {string} `14:05` or `1:02:03`, rounded up; as app/texts does */
export function clock(leftMs) {
  const seconds = Math.max(0, Math.ceil(leftMs / SECOND_MS));
  const minutes = Math.floor(seconds / 60);
  const two = (number) => String(number % 60).padStart(2, "0");
  if (minutes < 60) return `${minutes}:${two(seconds)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes)}:${two(seconds)}`;
}

/**
 * The time as the server has it.
 * @param {string} served when the server made this page, by its clock
 * @param {number} came the same moment as performance.now() counts: scripts may come much later
 * @returns {() => number} milliseconds since 1970
 */
export function serverClock(served, came) {
  const ahead = Date.parse(served) - (Date.now() - (performance.now() - came));
  return () => Date.now() + ahead;
}

/**
 * Writes into `place` what is left until `end`, each second, and calls `over` once it is nothing.
 * @param {HTMLElement} place @param {number} end @param {() => number} now @param {() => void} over
 */
export function countDown(place, end, now, over) {
  const left = end - now();
  place.textContent = clock(left);
  if (left <= 0) return over();
  // On the full second; a timer may come early by less than a millisecond.
  setTimeout(() => countDown(place, end, now, over), (left % SECOND_MS) + 1);
}
