//! The database: `SQLite` or `PostgreSQL` behind one SQL text (design 3).
