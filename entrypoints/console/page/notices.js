// Messages: errors next to what caused them, and announcements for screen readers.

import { copyButton } from "./clipboard.js";
import { foreign, h, icon } from "./dom.js";

// Announces a message to screen readers. Live regions exist before their text, or it is not read.
export function announce(message) {
  const dialog = [...document.querySelectorAll("dialog[open]")].pop();
  const region = dialog?.querySelector("[role=status].announcer") ?? document.getElementById("announcer");
  region.textContent = "";
  region.append(message);
}

// Creates an element that shows an error with its request id; `action` is a button that helps.
export function problemNotice(error, action = null) {
  return h(
    "div",
    { class: "notice is-error", role: "alert" },
    icon("warning"),
    h(
      "div",
      {},
      h("p", {}, foreign(error.message || String(error))),
      error.requestId && requestId(error.requestId),
      action,
    ),
  );
}

function requestId(id) {
  return h(
    "p",
    { class: "request-id" },
    "Request id ",
    h("code", {}, id),
    copyButton(() => id, { what: "the request id", isSmall: true }),
  );
}

export function hint(...children) {
  return h("div", { class: "notice" }, h("div", {}, ...children));
}

// Creates a warning about what cannot be undone.
export function warning(...children) {
  return h("div", { class: "notice is-danger" }, h("div", {}, ...children));
}

// Runs `action` with the button disabled, and shows an error in `place`. Returns its result, or
// undefined after an error.
export async function guarded(button, place, action) {
  if (button.disabled) return undefined;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  place.replaceChildren();
  try {
    return await action();
  } catch (error) {
    if (error.name !== "AbortError") place.replaceChildren(problemNotice(error));
    return undefined;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}
