// The service's clock, spans of time, and elements that count down.

import { h } from "./dom.js";

let offset = 0;

let isExact = false;

// Sets the clock from the time in an event of the service.
export function setServerTime(text) {
  offset = Date.parse(text) - Date.now();
  isExact = true;
}

// Sets the clock from a Date header, which counts whole seconds, until an event is more exact.
export function setServerDate(header) {
  const time = Date.parse(header ?? "") + 500;
  if (!isExact && !Number.isNaN(time)) offset = time - Date.now();
}

export function now() {
  return Date.now() + offset;
}

const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
];

// Returns a span in one or two units, such as `6 d`, `5 h 12 min` or `40 s`.
export function formatSpan(milliseconds) {
  const span = Math.max(0, milliseconds);
  const index = UNITS.findIndex(([size, unit]) => span >= (unit === "d" ? 2 * size : size));
  if (index < 0) return "0 s";
  const [size, unit] = UNITS[index];
  const count = Math.floor(span / size);
  const rest = UNITS[index + 1] && count < 3 && index < 2 ? Math.floor((span % size) / UNITS[index + 1][0]) : 0;
  return rest ? `${count} ${unit} ${rest} ${UNITS[index + 1][1]}` : `${count} ${unit}`;
}

export function formatRelative(time) {
  const span = time - now();
  if (Math.abs(span) < 1000) return "now";
  return span > 0 ? `in ${formatSpan(span)}` : `${formatSpan(-span)} ago`;
}

const LOCAL = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
  timeZoneName: "short",
});

// Returns the local time, with its time zone.
export function formatLocal(time) {
  return LOCAL.format(time);
}

// Returns an element with the span until or since a time; `tick` keeps it current.
export function relativeTime(text) {
  const time = Date.parse(text);
  const local = formatLocal(time);
  return h("time", { datetime: text, title: local, "data-relative": time }, formatRelative(time));
}

// Returns an element with the local time, and the span after it.
export function fullTime(text) {
  return h("span", { class: "full-time" }, `${formatLocal(Date.parse(text))} (`, relativeTime(text), ")");
}

function tick() {
  for (const element of document.querySelectorAll("time[data-relative]")) {
    const shown = formatRelative(Number(element.dataset.relative));
    if (element.textContent !== shown) element.textContent = shown;
  }
}

setInterval(tick, 1000);
