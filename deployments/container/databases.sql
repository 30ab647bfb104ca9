-- Run once by the PostgreSQL container: the journal has a database of its own.
CREATE DATABASE secondsite OWNER secondsite;
