/**
 * `useTopupSSE`: a React hook (18, 19) over topup-stream.js, which does all the work.
 *
 * @typedef {import("./topup-stream.js").TopupUpdate} TopupUpdate
 * @typedef {{code: string}} Problem as the server told it
 */

import { useEffect, useRef, useState } from "react";

import { TopupStream } from "./topup-stream.js";

const NOTHING = { status: null, isConnected: false, error: null };

/**
 * Follows the top-up `txRef` while `enabled`. New callbacks do not open a new stream.
 * @param {object} options
 * @param {string | null | undefined} options.txRef
 * @param {boolean} [options.enabled]
 * @param {(status: TopupUpdate) => void} [options.onStatusUpdate] each newer state, once
 * @param {(error: Problem) => void} [options.onError]
 * @returns {{status: TopupUpdate | null, isConnected: boolean, error: Problem | null}}
 *   `status`: the newest state; `isConnected`: it comes live, not by polling; `error`: the last
 *   one since `status` came, or since it came live
 */
export function useTopupSSE({ txRef, enabled = true, onStatusUpdate, onError }) {
  const [told, setTold] = useState({ txRef, ...NOTHING });
  const callbacks = useRef({ onStatusUpdate, onError });
  const newest = useRef({ txRef, status: null }); // of this top-up, when it is enabled again

  useEffect(() => {
    callbacks.current = { onStatusUpdate, onError };
  });

  useEffect(() => {
    if (!enabled || !txRef) return;
    if (newest.current.txRef !== txRef) newest.current = { txRef, status: null };
    const stream = new TopupStream(txRef, { initial: newest.current.status });
    const listening = new AbortController();
    const learn = (news) =>
      setTold((known) => ({ ...(known.txRef === txRef ? known : NOTHING), txRef, ...news }));
    const { signal } = listening;
    const on = (name, handler) =>
      stream.addEventListener(name, (/** @type {any} */ { detail }) => handler(detail), { signal });
    on("status", (status) => {
      newest.current.status = status;
      learn({ status, error: null });
      callbacks.current.onStatusUpdate?.(status);
    });
    on("connection", (connection) => {
      learn(connection === "live" ? { isConnected: true, error: null } : { isConnected: false });
    });
    on("error", (error) => {
      learn({ error });
      callbacks.current.onError?.(error);
    });
    return () => {
      listening.abort();
      stream.close();
      learn({ isConnected: false });
    };
  }, [txRef, enabled]);

  const { status, isConnected, error } = told.txRef === txRef ? told : NOTHING;
  return { status, isConnected, error };
}
