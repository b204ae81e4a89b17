// Knex's configuration; its migrations are those of the folder `migrations`.
module.exports = { client: "pg", connection: process.env.DATABASE_URL };
