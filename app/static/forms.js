// Forms that speak JSON with the API and show its problem documents beside the fields.

/** An answer that is not a success: the members of RFC 9457 that a page uses. */
export class Problem extends Error {
  /**
   * @param {string} code
   * @param {{field: string, detail: string}[]} errors
   * @param {string | null} seconds until it may be sent again
   */
  constructor(code, errors = [], seconds = null) {
    super(code);
    this.code = code;
    this.errors = errors;
    this.seconds = seconds;
  }
}

/**
 * @param {string} path
 * @param {object} body
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} the JSON of the answer, null when it has none; rejects with a Problem
 */
export async function postJson(path, body, headers = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Problem("offline");
  }
  const text = await answer.text().catch(() => "");
  const content = parse(text);
  if (!answer.ok) {
    const seconds = answer.headers.get("Retry-After");
    throw new Problem(content?.code ?? "unknown", content?.errors, seconds);
  }
  return content;
}

/**
 * Sends the form by `send` instead of by the browser; while it runs, the button is busy. Before
 * this the button is disabled: the browser would post the form to an address that takes no post.
 * Whose login has ended is sent to the login. The form's data-faults has a sentence for each code,
 * and for each field as `field_<name>`.
 * @param {HTMLFormElement} form
 * @param {(fields: Record<string, string>) => Promise<void>} send rejects with a Problem
 */
export function handle(form, send) {
  const button = form.querySelector("button[type=submit]");
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.ariaBusy === "true") return;
    clear(form);
    button.ariaBusy = "true";
    try {
      await send(Object.fromEntries(new FormData(form)));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.code === "not_logged_in") location.assign(`/login?next=${location.pathname}`);
      else show(form, error);
    } finally {
      button.ariaBusy = "false";
    }
  });
}

function show(form, problem) {
  const sentences = JSON.parse(form.dataset.faults);
  const faulty = problem.errors.map(({ field }) => form.elements[field]).filter(Boolean);
  for (const input of faulty) {
    input.ariaInvalid = "true";
    say(form, input.name, sentences[`field_${input.name}`]);
  }
  if (faulty.length > 0) faulty[0].focus();
  else {
    const sentence = sentences[problem.code] ?? sentences.unknown;
    say(form, "form", sentence.replace("{seconds}", problem.seconds));
  }
}

/** Takes back what was said to be wrong. */
export function clear(form) {
  for (const place of form.querySelectorAll("[data-fault]")) place.textContent = "";
  for (const input of form.elements) input.ariaInvalid = null;
}

function say(form, place, sentence) {
  form.querySelector(`[data-fault="${place}"]`).textContent = sentence;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
