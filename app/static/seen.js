// Tells the server, now and then, that a state is on the screen: docs/metrics.md.

/**
 * @param {string} recordedAt of the frame
 * @param {number} share of the states that are told, 0 to 1
 */
export function tellSeen(recordedAt, share) {
  if (document.hidden || Math.random() >= share) return;
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      if (document.hidden) return; // what waits for the payer measures the payer
      const body = JSON.stringify({ recorded_at: recordedAt });
      navigator.sendBeacon("/api/topup/seen", new Blob([body], { type: "application/json" }));
    };
    port2.postMessage(null); // after this frame has been painted
  });
}
