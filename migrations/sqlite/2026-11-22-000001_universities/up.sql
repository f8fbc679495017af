-- Universities of the world, their e-mail domains and their search words.
--
-- The same in both databases: ids are 16 bytes; timestamps are microseconds since 1970 UTC; text
-- compares bytewise; `*_key` columns hold the folded form that lists are ordered by.

CREATE TABLE universities (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 300),
    name_key TEXT NOT NULL CHECK (length(name_key) BETWEEN 1 AND 900),
    country TEXT NOT NULL CHECK (country GLOB '[A-Z][A-Z]'),
    state_province TEXT CHECK (length(state_province) BETWEEN 1 AND 200),
    web_pages TEXT NOT NULL CHECK (json_valid(web_pages) AND json_type(web_pages) = 'array'),
    -- The data set that the row came from, and its key there: an import finds its own rows by them.
    source TEXT NOT NULL CHECK (length(source) BETWEEN 1 AND 100),
    source_key TEXT NOT NULL CHECK (length(source_key) BETWEEN 1 AND 500),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT universities_one_per_source_key UNIQUE (source, source_key)
) STRICT;

CREATE INDEX universities_by_name ON universities (name_key, id);
CREATE INDEX universities_by_country ON universities (country, name_key, id);

-- A domain may belong to several universities, and a university may have several domains.
CREATE TABLE university_domains (
    domain TEXT NOT NULL CHECK (
        length(domain) BETWEEN 3 AND 253 AND domain = lower(domain)
    ),
    university_id BLOB NOT NULL REFERENCES universities (id),
    PRIMARY KEY (domain, university_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX university_domains_by_university ON university_domains (university_id);

-- One row for each university: its folded and stemmed words, joined by one space.
--
-- Words are made of a-z, 0-9 and characters beyond ASCII. The check keeps to that alphabet because
-- SQLite's tokeniser splits at every other ASCII character and PostgreSQL at spaces alone: with any
-- other character in a body the two would find different rows.
-- A word has at most 255 characters: PostgreSQL cuts the length of a longer one to 11 bits unasked.
--
-- Rows are changed with INSERT, UPDATE and DELETE only: REPLACE would skip the delete trigger below
-- and leave stale words in the index.
CREATE TABLE university_search (
    number INTEGER NOT NULL PRIMARY KEY,
    university_id BLOB NOT NULL UNIQUE REFERENCES universities (id),
    body TEXT NOT NULL,
    CONSTRAINT university_search_words_by_one_space CHECK (
        body = trim(body) AND instr(body, '  ') = 0
        AND body NOT GLOB '*[^a-z0-9 ' || char(128) || '-' || char(1114111) || ']*'
        AND body NOT GLOB '*' || replace(hex(zeroblob(128)), '0', '[^ ]') || '*'
    )
) STRICT;

CREATE VIRTUAL TABLE university_search_index USING fts5 (
    body,
    content = 'university_search',
    content_rowid = 'number',
    tokenize = 'ascii'
);

CREATE TRIGGER university_search_after_insert AFTER INSERT ON university_search BEGIN
    INSERT INTO university_search_index (rowid, body) VALUES (new.number, new.body);
END;

CREATE TRIGGER university_search_after_delete AFTER DELETE ON university_search BEGIN
    INSERT INTO university_search_index (university_search_index, rowid, body)
    VALUES ('delete', old.number, old.body);
END;

CREATE TRIGGER university_search_after_update AFTER UPDATE ON university_search BEGIN
    INSERT INTO university_search_index (university_search_index, rowid, body)
    VALUES ('delete', old.number, old.body);
    INSERT INTO university_search_index (rowid, body) VALUES (new.number, new.body);
END;
