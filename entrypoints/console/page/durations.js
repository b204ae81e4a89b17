// The choice of a lifetime.

import { h, select } from "./dom.js";

const CUSTOM = "custom";

const PATTERN = /^(\d{1,9}[smhdw]|P.+)$/;

// Creates a choice of lifetimes. `first` are options before the usual ones; `value()` returns the
// chosen text, and `isValid()` whether it can be sent.
export function durationChoice({ first = [], last = [], chosen = "24h", label = null }) {
  const options = [...first, ["1h", "1 hour"], ["24h", "24 hours"], ["7d", "7 days"], ["30d", "30 days"], ...last, [CUSTOM, "Other\u2026"]];
  const choice = select(options, { "aria-label": label, value: "" });
  choice.value = chosen;
  const other = h("input", {
    type: "text",
    class: "mono",
    placeholder: "36h",
    "aria-label": "Lifetime, such as 90m, 36h, 3d or 2w",
    autocomplete: "off",
    hidden: true,
    size: 6,
  });
  choice.addEventListener("change", () => {
    other.hidden = choice.value !== CUSTOM;
    if (!other.hidden) other.focus();
  });
  const value = () => (choice.value === CUSTOM ? other.value.trim() : choice.value);
  return {
    element: h("span", { class: "duration" }, choice, other),
    choice,
    value,
    isValid: () => choice.value !== CUSTOM || PATTERN.test(value()),
  };
}
