// The official Node SDK, one question for each line of JSON on stdin, one answer for each on stdout.

const { createInterface } = require("node:readline");
const { PayOS } = require("@payos/node");
const { sortObjDataByKey } = require("@payos/node/lib/utils/sort-obj-by-key");
const { default: toQueryString } = require("@payos/node/lib/utils/convert-obj-to-query-str");
const { VERSION } = require("@payos/node/lib/version");

const questions = {
  version: async () => VERSION,

  // The text that is signed, and its signature.
  sign: async ({ key, data }) => {
    const sdk = new PayOS({ clientId: "-", apiKey: "-", checksumKey: key });
    return {
      canonical: toQueryString(sortObjDataByKey(data)),
      signature: await sdk.crypto.createSignatureFromObj(data, key),
    };
  },

  signRequest: async ({ key, data }) => {
    const sdk = new PayOS({ clientId: "-", apiKey: "-", checksumKey: key });
    return sdk.crypto.createSignatureOfPaymentRequest(data, key);
  },

  // What a webhook says, verified.
  verify: async ({ key, body }) => {
    const sdk = new PayOS({ clientId: "-", apiKey: "-", checksumKey: key });
    return sdk.webhooks.verify(JSON.parse(body));
  },

  // A call to the API: call is a path into the SDK, such as ["paymentRequests", "create"].
  call: async ({ options, path, args }) => {
    const sdk = new PayOS({ ...options, maxRetries: 0, logLevel: "off" });
    const resource = path.slice(0, -1).reduce((place, name) => place[name], sdk);
    return resource[path.at(-1)](...args);
  },
};

const answer = async (line) => {
  const { ask, ...question } = JSON.parse(line);
  try {
    return { ok: await questions[ask](question) };
  } catch (error) {
    return { error: error.name, code: error.code ?? null, message: error.message };
  }
};

const main = async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
  }
};

main();
