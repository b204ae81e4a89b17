// Who uses the page, and what the service offers.

import { call } from "./api.js";

const KNOWN_FORMATS = ["uri", "psql", "env", "prisma", "node", "jdbc", "sqlalchemy", "sqlalchemy-asyncpg", "django", "dotnet", "docker", "k8s-secret", "json"];

export const session = { caller: "", scopes: [], quota: null, databases: 0, expires_at: null, can_see_all: false };

export const service = { version: "", formats: KNOWN_FORMATS };

// Reads the caller from the service. Throws a Problem.
export async function readCaller() {
  Object.assign(session, await call("GET", "v1/whoami"));
}

export function can(scope) {
  return session.can_see_all || session.scopes.includes(scope);
}

// Reads the version and the formats; without them the page still works.
export async function readIndex() {
  try {
    const { version, formats } = await call("GET", "", { credentials: false });
    service.version = version ?? "";
    if (formats) service.formats = [...KNOWN_FORMATS, ...formats].filter((name, at, all) => formats.includes(name) && all.indexOf(name) === at);
  } catch {
    service.version ||= "";
  }
}
