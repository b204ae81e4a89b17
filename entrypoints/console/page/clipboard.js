// Copying, which also works without HTTPS and in dialogs.

import { h, icon } from "./dom.js";
import { announce } from "./notices.js";

const SHOWN = 1600;

// Copies the text, and returns whether that worked.
export async function copy(text) {
  if (window.isSecureContext && navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // the browser refused it: the older way may work
    }
  }
  return copyBySelection(text);
}

// Copies by a selected field. A modal dialog makes everything else inert, so the field is in it.
function copyBySelection(text) {
  const before = document.activeElement;
  const holder = [...document.querySelectorAll("dialog[open]")].pop() ?? document.body;
  const area = h("textarea", { class: "off-screen", "aria-hidden": "true", tabindex: "-1", value: text });
  holder.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
    before?.focus?.({ preventScroll: true });
  }
}

// Creates a button that copies what `read` returns, a text or the promise of one.
export function copyButton(read, { label = "Copy", what = "", name = `${label} ${what}`.trim(), isSmall = false, onFailure = () => {} } = {}) {
  const caption = h("span", { class: isSmall ? "visually-hidden" : "" }, label);
  const button = h(
    "button",
    { type: "button", class: isSmall ? "button icon-button" : "button", "aria-label": name },
    icon("copy"),
    caption,
  );
  button.title = name;
  button.addEventListener("click", async () => {
    const isCopied = await attempt(read, onFailure);
    if (isCopied !== null) show(button, caption, label, isCopied, what);
  });
  return button;
}

// Returns whether the text was copied; null if it could not be read.
async function attempt(read, onFailure) {
  let text;
  try {
    text = await read();
  } catch (error) {
    onFailure(error);
    return null;
  }
  return copy(text);
}

function show(button, caption, label, isCopied, what) {
  clearTimeout(button.timer);
  button.classList.toggle("is-done", isCopied);
  button.classList.toggle("is-failed", !isCopied);
  button.firstChild.replaceWith(icon(isCopied ? "check" : "warning"));
  caption.textContent = isCopied ? "Copied" : "Not copied";
  announce(isCopied ? `Copied ${what}`.trim() : "The browser refused to copy. Show the text and copy it yourself.");
  button.timer = setTimeout(() => {
    button.classList.remove("is-done", "is-failed");
    button.firstChild.replaceWith(icon("copy"));
    caption.textContent = label;
  }, SHOWN);
}
