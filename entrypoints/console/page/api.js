// Calls of the service. The key is in this module's memory only: a reload forgets it.

import { setServerDate } from "./clock.js";

let key = "";

const listeners = new Set();

// An error that the service answered, or the lack of an answer.
export class Problem extends Error {
  constructor({ status = 0, code = "", title = "", detail = "", retryable = false, request_id = "" }) {
    super(detail || title);
    Object.assign(this, { status, code, title, retryable, requestId: request_id });
  }

  get isUnanswered() {
    return this.code === "unreachable";
  }
}

const UNREACHABLE = {
  code: "unreachable",
  title: "No answer",
  detail: "The service does not answer. Check that it is running and that this computer can reach it; then try again.",
  retryable: true,
};

export function setKey(text) {
  key = text;
}

export function hasKey() {
  return key !== "";
}

// Calls `listener` whenever the service refuses the key.
export function onRefusal(listener) {
  listeners.add(listener);
}

// Returns the address of a path of the service, which a proxy may serve below a path of its own.
export function addressOf(path) {
  return new URL(path, new URL(".", document.baseURI));
}

// Sends a request and returns the successful response. Throws a Problem.
export async function send(method, path, { body, headers = {}, signal, credentials = true } = {}) {
  const sent = { Accept: "application/json", ...headers };
  if (key && credentials) sent.Authorization = `Bearer ${key}`;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const response = await reach(addressOf(path), {
    method,
    headers: sent,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
    cache: "no-store",
    credentials: "same-origin",
  });
  setServerDate(response.headers.get("Date"));
  if (!response.ok) await fail(response, sent.Authorization);
  return response;
}

// Sends a request and returns the JSON of its answer. Throws a Problem.
export async function call(method, path, options) {
  const response = await send(method, path, options);
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(UNREACHABLE);
  }
}

async function reach(address, init) {
  try {
    return await fetch(address, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(UNREACHABLE);
  }
}

async function fail(response, authorization) {
  const problem = new Problem(await readProblem(response));
  const isCurrent = authorization === (key ? `Bearer ${key}` : undefined);
  if (problem.status === 401 && isCurrent) listeners.forEach((listener) => listener(problem));
  throw problem;
}

async function readProblem(response) {
  const type = response.headers.get("Content-Type") ?? "";
  const given = type.includes("json") ? await response.json().catch(() => null) : null;
  return given?.code ? given : describeForeign(response);
}

// Describes an error that does not come from pgvend, such as that of a proxy without a service.
function describeForeign(response) {
  return {
    status: response.status,
    code: "http_error",
    title: `HTTP status ${response.status}`,
    detail: `A server in front of pgvend answered with status ${response.status}. Try again; if it stays, check the proxy.`,
    retryable: response.status >= 500,
    request_id: response.headers.get("X-Request-ID") ?? "",
  };
}

// Returns a key for the header Idempotency-Key. `crypto.randomUUID` is missing without HTTPS.
export function newIdempotencyKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `console-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
