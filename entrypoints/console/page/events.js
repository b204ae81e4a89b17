// The stream of events, read by fetch: an EventSource cannot send a key.

import { send } from "./api.js";

const SILENCE = 60_000; // the service sends a comment more often
const HIDDEN = 60_000; // a hidden page leaves its connection to others
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;

// Yields the events of a response as {event, data}.
export async function* readEvents(response, onChunk = () => {}) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onChunk();
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event.data) yield event;
    }
  }
}

function parseEvent(block) {
  const event = { event: "message", data: "" };
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (name === "event") event.event = value;
    if (name === "data") event.data += event.data ? `\n${value}` : value;
  }
  return event;
}

// Keeps one stream open while the page is visible. `onEvent` gets each event, `onState` one of
// `live`, `connecting` and `paused`; `onFailure` is called after each attempt that failed.
export class EventStream {
  constructor({ onEvent, onState, onFailure }) {
    Object.assign(this, { onEvent, onState, onFailure, isWanted: false, attempt: 0 });
    document.addEventListener("visibilitychange", () => this.follow(document.hidden));
    window.addEventListener("online", () => this.wake?.());
  }

  start() {
    this.stop();
    this.isWanted = true;
    this.run(++this.attempt);
  }

  stop() {
    Object.assign(this, { isWanted: false, isPaused: false });
    this.attempt += 1;
    this.abort?.abort();
    this.wake?.();
  }

  follow(isHidden) {
    clearTimeout(this.hiding);
    if (isHidden) this.hiding = setTimeout(() => this.pause(), HIDDEN);
    else if (this.isPaused) this.start();
  }

  pause() {
    if (!this.isWanted) return;
    this.stop();
    this.isPaused = true;
    this.onState("paused");
  }

  async run(attempt) {
    let pause = FIRST_PAUSE;
    while (attempt === this.attempt) {
      this.onState("connecting");
      const wasOpen = await this.listen(attempt);
      if (attempt !== this.attempt) return;
      pause = wasOpen ? FIRST_PAUSE : Math.min(LONGEST_PAUSE, pause * 2);
      await this.sleep(pause * (0.75 + Math.random() / 2));
    }
  }

  // Returns whether the stream was open before it ended.
  async listen(attempt) {
    const abort = (this.abort = new AbortController());
    const { signal } = abort;
    let [isOpen, silence] = [false, 0];
    const watch = () => {
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), SILENCE);
    };
    try {
      watch();
      const response = await send("GET", "v1/events", { headers: { Accept: "text/event-stream" }, signal });
      for await (const { event, data } of readEvents(response, watch)) {
        if (attempt !== this.attempt) return isOpen;
        if (event === "ready") this.onState("live");
        isOpen ||= event === "ready";
        this.onEvent(event, JSON.parse(data));
      }
    } catch (error) {
      if (attempt === this.attempt && !isOpen) this.onFailure(error);
    } finally {
      clearTimeout(silence);
      abort.abort(); // closes a stream that ended by an error of this page
    }
    return isOpen;
  }

  sleep(milliseconds) {
    return new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, milliseconds);
    });
  }
}
