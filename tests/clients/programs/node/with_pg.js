// A round trip by pg's pool; the variable DATABASE_URL is the connection.
const assert = require("node:assert");
const { Pool } = require("pg");

async function main() {
  const pool = new Pool({ connectionString: process.env.DATABASE_URL });
  await pool.query("CREATE TABLE fruits (id serial PRIMARY KEY, name text NOT NULL)");
  await pool.query("INSERT INTO fruits (name) VALUES ($1), ($2)", ["Äpfel", "Birnen"]);
  const { rows } = await pool.query("SELECT name FROM fruits ORDER BY id");
  assert.deepStrictEqual(rows, [{ name: "Äpfel" }, { name: "Birnen" }]);
  await pool.end();
}

main();
