"""PostgreSQL: the pool, the migrations, the SQL and the appender."""
