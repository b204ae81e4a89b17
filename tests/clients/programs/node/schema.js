// What Drizzle stores.
const { index, pgEnum, pgTable, serial, text } = require("drizzle-orm/pg-core");

const colour = pgEnum("colour", ["red", "green"]);
const fruits = pgTable(
  "fruits",
  { id: serial().primaryKey(), name: text().notNull(), colour: colour().default("red") },
  (table) => [index("fruits_by_colour").on(table.colour)],
);

module.exports = { colour, fruits };
