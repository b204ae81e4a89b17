// Signing in: with a key, or with the one-time code that the first start prints.

import { call, setKey } from "./api.js";
import { field, h } from "./dom.js";
import { guarded, hint } from "./notices.js";
import { readCaller } from "./session.js";

const CODE = /^[0-9a-z]{4}[- ]?[0-9a-z]{4}$/i;

// Creates the view; `reason` says why it is shown, and `onDone` runs after signing in.
export function createSignInView(reason, onDone) {
  const input = h("input", { type: "password", name: "key", class: "mono", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const place = h("div", { class: "problem" });
  const button = h("button", { class: "button is-primary" }, "Sign in");
  const form = h(
    "form",
    { novalidate: true },
    h("h2", {}, "Sign in"),
    reason && hint(h("p", {}, reason)),
    field("API key or one-time code", input),
    place,
    button,
    explanation(),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const isDone = await guarded(button, place, () => signIn(input));
    if (!isDone) return input.select();
    input.value = "";
    onDone();
  });
  return { element: h("section", { class: "sign-in", "aria-label": "Sign in" }, form), stop() {}, focus: () => input.focus() };
}

// Takes the key, or exchanges the code for one. The code works once: its key replaces it in the
// field, so that a second attempt works. Throws a Problem, or an Error about the text.
async function signIn(input) {
  const text = input.value.trim();
  if (!text) throw new Error("Type a key or a code.");
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)?$/.test(text)) throw new Error("A key has letters, digits and signs only: copy it again.");
  if (CODE.test(text)) input.value = await exchange(text);
  setKey(input.value.trim());
  try {
    await readCaller();
  } catch (error) {
    setKey("");
    throw error;
  }
  return true;
}

async function exchange(code) {
  return (await call("POST", "v1/key-exchange", { body: { code }, credentials: false })).key;
}

function explanation() {
  return h(
    "ul",
    { class: "hint" },
    h("li", {}, "A service that made an admin key itself prints, on a terminal, a one-time code such as 7K3M-9QXR. It works once, for ten minutes."),
    h("li", {}, "An admin makes further keys under Keys, or by ", h("code", {}, "pgvend keys create"), "."),
    h("li", {}, "This page keeps the key in memory only: a reload forgets it."),
  );
}
