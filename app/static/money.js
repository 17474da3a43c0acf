// Amounts are whole đồng. The server writes them by the same rule: `dong` in app/texts.

const VND = new Intl.NumberFormat("vi-VN", { style: "currency", currency: "VND" });
const PLAIN = /^\d{1,15}$/;
const GROUPED = /^\d{1,3}([., \u00a0])\d{3}(?:\1\d{3}){0,3}$/;

/** @param {number} amount @returns {string} `50.000 ₫`, with a no-break space */
export function dong(amount) {
  return VND.format(amount);
}

/**
 * What a person typed: `50000`, `50.000`, `50,000`, `50 000`, with or without ₫ behind it.
 * @param {string} text
 * @returns {number | null} null when it is not a whole amount: `1.5` is not 15
 */
export function parseDong(text) {
  const digits = text.trim().replace(/\s*[₫đ]$/i, "");
  return PLAIN.test(digits) || GROUPED.test(digits) ? Number(digits.replace(/\D/g, "")) : null;
}
