// Shows an answer as it arrives, because events arrive one by one.
import { h } from "../console/dom.js";
import { folded } from "./elements.js";

const LONGEST = 200_000; // characters: an endless stream keeps its newest part

function format(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function headersOf(response) {
  const lines = [...response.headers].map((pair) => pair.join(": "));
  return folded("Headers", h("pre", {}, lines.join("\n")));
}

async function showBody(response, body) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { done: true };
    if (done) break;
    text = (text + value).slice(-LONGEST);
    body.textContent = text;
  }
  body.textContent = format(text);
}

// Sends the request and shows its answer in `shown`, until it ends or `signal` aborts it.
export async function send(address, request, shown, signal) {
  const status = h("p", {}, "Waiting for the answer…");
  const body = h("pre", { tabindex: "0", "aria-label": "Body of the answer" });
  shown.replaceChildren(status, body);
  try {
    const response = await fetch(address, { ...request, signal });
    status.replaceChildren(h("strong", {}, `${response.status} ${response.statusText}`));
    status.after(headersOf(response));
    await showBody(response, body);
  } catch (error) {
    status.append(signal.aborted ? " (stopped)" : ` No answer: ${error.message}`);
  }
}
