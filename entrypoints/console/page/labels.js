// Labels: how they are typed and shown.

import { h } from "./dom.js";

const LABEL = /^([a-zA-Z0-9](?:[a-zA-Z0-9._/-]{0,61}[a-zA-Z0-9])?)=([a-zA-Z0-9._/@+-]{0,63})$/;

// Returns the labels in a text such as `team=web class=sql101`. Throws an Error with the part that
// is not a label.
export function parseLabels(text) {
  const parts = text.split(/[\s,]+/).filter(Boolean);
  return Object.fromEntries(parts.map(parseLabel));
}

function parseLabel(text) {
  const match = LABEL.exec(text);
  if (!match) throw new Error(`\u201c${text}\u201d is not a label: write key=value with letters, digits and ._/-`);
  return [match[1], match[2]];
}

export function isLabel(text) {
  return LABEL.test(text);
}

export function formatLabels(labels) {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}

// Creates the labels of a record; `onChoose` gets the text of one that was clicked.
export function labelList(labels, onChoose = null) {
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return texts.map((text) =>
    onChoose
      ? h("button", { type: "button", class: "label", title: `Filter by ${text}`, onclick: () => onChoose(text) }, text)
      : h("span", { class: "label" }, text),
  );
}
