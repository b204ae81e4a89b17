// A round trip by postgres.js; the variable DATABASE_URL is the connection.
const assert = require("node:assert");
const postgres = require("postgres");

async function main() {
  const sql = postgres(process.env.DATABASE_URL);
  await sql`CREATE TABLE fruits (id serial PRIMARY KEY, name text NOT NULL)`;
  await sql`INSERT INTO fruits ${sql([{ name: "Äpfel" }, { name: "Birnen" }])}`;
  const rows = await sql`SELECT name FROM fruits ORDER BY id`;
  assert.deepStrictEqual([...rows], [{ name: "Äpfel" }, { name: "Birnen" }]);
  await sql.end();
}

main();
