// Modal dialogs: the browser keeps the focus inside and returns it at the end.

import { copyButton } from "./clipboard.js";
import { field, foreign, h, icon, newId } from "./dom.js";
import { guarded } from "./notices.js";

// Opens a dialog with that title (text or nodes) and content. `kind` is `drawer` or `box`.
export function openDialog({ title, content, kind = "box", onClose = () => {} }) {
  const heading = h("h2", { id: newId("title"), tabindex: "-1" }, title);
  const close = h("button", { type: "button", class: "button icon-button close", "aria-label": "Close", title: "Close" }, icon("close"));
  const dialog = h(
    "dialog",
    { class: kind, "aria-labelledby": heading.id },
    h("div", { class: "dialog-head" }, heading, close),
    h("div", { class: "content" }, content),
    h("p", { role: "status", class: "announcer visually-hidden" }),
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("mousedown", (event) => {
    if (event.target === dialog) dialog.close(); // the backdrop
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose();
  });
  document.body.append(dialog);
  dialog.showModal();
  if (document.activeElement === close) heading.focus();
  return dialog;
}

export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
}

// Opens a dialog with a form: `fields`, then a button that runs `submit` and closes the dialog
// unless that fails.
export function openForm({ title, fields, action, submit, isDanger = false, isReady = () => true }) {
  const place = h("div", { class: "problem" });
  const button = h("button", { class: `button ${isDanger ? "is-danger" : "is-primary"}`, disabled: !isReady() }, action);
  const cancel = h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel");
  const form = h("form", { novalidate: true }, ...fields, place, h("div", { class: "buttons" }, button, cancel));
  form.addEventListener("input", () => {
    button.disabled = !isReady();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!isReady()) return;
    const isDone = await guarded(button, place, async () => {
      await submit();
      return true;
    });
    if (isDone) dialog.close();
  });
  const dialog = openDialog({ title, content: form });
  return dialog;
}

// Opens a dialog that asks for a name to be typed before it runs `submit`.
export function openTypedConfirmation({ title, name, warning, action, submit }) {
  const input = h("input", { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", class: "mono" });
  const typed = field("Type the name to confirm", input);
  const shown = h(
    "p",
    { class: "name-to-type" },
    foreign(name, { class: "mono" }),
    copyButton(() => name, { what: "the name", isSmall: true }),
  );
  openForm({
    title,
    fields: [warning, shown, typed],
    action,
    submit,
    isDanger: true,
    isReady: () => input.value.trim() === name,
  });
  input.focus();
}
