// TypeORM's data source, with one entity and one migration.
const { DataSource, EntitySchema } = require("typeorm");

class CreateFruits1700000000000 {
  async up(runner) {
    await runner.query(
      'CREATE TABLE "fruits" ("id" uuid PRIMARY KEY DEFAULT gen_random_uuid(), "name" text)',
    );
  }

  async down(runner) {
    await runner.query('DROP TABLE "fruits"');
  }
}

const Fruit = new EntitySchema({
  name: "Fruit",
  tableName: "fruits",
  columns: {
    id: { type: "uuid", primary: true, generated: "uuid" },
    name: { type: "text" },
  },
});

module.exports = new DataSource({
  type: "postgres",
  url: process.env.DATABASE_URL,
  entities: [Fruit],
  uuidExtension: "pgcrypto", // gen_random_uuid(), which PostgreSQL has without an extension too
  migrations: [CreateFruits1700000000000],
});
