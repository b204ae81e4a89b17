// The records of databases: loaded by pages, then kept current by events.

import { call } from "./api.js";

const PAGE_SIZE = 200;
const MAX_LOADED = 2000;
const GONE = new Set(["failed", "deleted"]);
const ALL_STATES = ["provisioning", "ready", "failed", "expired", "deleting", "deleted"];

export class Store extends EventTarget {
  constructor() {
    super();
    this.clear();
  }

  clear() {
    Object.assign(this, { records: new Map(), touched: new Map(), failedHere: new Set(), sequence: 0 });
    Object.assign(this, { loads: (this.loads ?? 0) + 1, isLoaded: false, isComplete: false, withGone: false });
    this.owner = {}; // answers to requests of the caller before are recognized by it
    this.notify();
  }

  notify() {
    this.dispatchEvent(new Event("change"));
  }

  get(id) {
    return this.records.get(id);
  }

  // Returns the records to list, the newest first: gone ones on request, and those that failed
  // while the page was open.
  list() {
    const listed = [...this.records.values()].filter(
      (record) => this.withGone || !GONE.has(record.state) || this.failedHere.has(record.id),
    );
    return listed.sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : a.id < b.id ? 1 : -1));
  }

  // Stores a record that an event pushed.
  put(record) {
    const before = this.records.get(record.id);
    if (record.state === "failed" && before?.state !== "failed") this.failedHere.add(record.id);
    this.touched.set(record.id, ++this.sequence);
    this.keep(record);
    this.notify();
  }

  // Stores a record. Events come without the size: the one before stays.
  keep(record) {
    const size = record.size ?? this.records.get(record.id)?.size;
    this.records.set(record.id, { ...record, size });
  }

  // Returns a function that stores the record of an answer, unless an event was faster, or the
  // caller signed out.
  expect() {
    const { owner, sequence: mark } = this;
    return (record) => {
      if (owner === this.owner && (this.touched.get(record.id) ?? 0) <= mark) this.put(record);
      return this.get(record.id);
    };
  }

  // Loads the records from the service. Throws a Problem.
  async load() {
    const load = ++this.loads;
    const mark = this.sequence;
    const found = new Set();
    let token = "";
    do {
      const page = await call("GET", `v1/databases?${this.query(token)}`);
      if (load !== this.loads) return;
      this.merge(page.databases, mark, found);
      token = page.next_page_token;
    } while (token && found.size < MAX_LOADED);
    if (!token) this.forget(found, mark);
    Object.assign(this, { isLoaded: true, isComplete: !token });
    this.notify();
    this.measure(load).catch(() => {}); // sizes are for information
  }

  // Adds the sizes, for which the service may take a moment, to the records of a load.
  async measure(load) {
    let token = "";
    do {
      const mark = this.sequence;
      const page = await call("GET", `v1/databases?${this.query(token)}&size=true`);
      if (load !== this.loads) return;
      this.merge(page.databases, mark);
      token = page.next_page_token;
    } while (token && this.isComplete);
  }

  query(token) {
    const query = new URLSearchParams({ page_size: PAGE_SIZE });
    if (token) query.set("page_token", token);
    if (this.withGone) ALL_STATES.forEach((state) => query.append("state", state));
    return query;
  }

  merge(records, mark, found = new Set()) {
    for (const record of records) {
      found.add(record.id);
      if ((this.touched.get(record.id) ?? 0) <= mark) this.keep(record);
    }
    this.notify();
  }

  // Removes records that the service no longer lists, unless an event came meanwhile.
  forget(found, mark) {
    for (const id of this.records.keys())
      if (!found.has(id) && (this.touched.get(id) ?? 0) <= mark && !this.failedHere.has(id)) this.records.delete(id);
  }

  // Asks the service for records that are not loaded, by nickname or label. Throws a Problem.
  async search(parameters) {
    const { owner, sequence: mark } = this;
    const query = this.query("");
    for (const [name, value] of parameters) query.append(name, value);
    const { databases } = await call("GET", `v1/databases?${query}`);
    if (owner === this.owner) this.merge(databases, mark);
  }

  // Reads one record from the service. Throws a Problem.
  async fetch(id) {
    const apply = this.expect();
    return apply(await call("GET", `v1/databases/${encodeURIComponent(id)}?size=true`));
  }

  // Calls `listener` for each change of one record, and returns a function that stops it.
  watch(id, listener) {
    let last = null;
    const check = () => {
      const record = this.get(id);
      if (record && record !== last) listener((last = record));
    };
    this.addEventListener("change", check);
    check();
    return () => this.removeEventListener("change", check);
  }
}

export const store = new Store();
