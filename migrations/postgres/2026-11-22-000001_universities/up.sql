-- Universities of the world, their e-mail domains and their search words.
--
-- The same in both databases: ids are 16 bytes; timestamps are microseconds since 1970 UTC; text
-- compares bytewise; `*_key` columns hold the folded form that lists are ordered by.

CREATE TABLE universities (
    id BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
    name TEXT COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 300),
    name_key TEXT COLLATE "C" NOT NULL CHECK (length(name_key) BETWEEN 1 AND 900),
    country TEXT COLLATE "C" NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    state_province TEXT COLLATE "C" CHECK (length(state_province) BETWEEN 1 AND 200),
    web_pages TEXT COLLATE "C" NOT NULL CHECK (json_typeof(web_pages::json) = 'array'),
    -- The data set that the row came from, and its key there: an import finds its own rows by them.
    source TEXT COLLATE "C" NOT NULL CHECK (length(source) BETWEEN 1 AND 100),
    source_key TEXT COLLATE "C" NOT NULL CHECK (length(source_key) BETWEEN 1 AND 500),
    version INTEGER NOT NULL CHECK (version >= 1),
    created_at BIGINT NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    updated_at BIGINT NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT universities_one_per_source_key UNIQUE (source, source_key)
);

CREATE INDEX universities_by_name ON universities (name_key, id);
CREATE INDEX universities_by_country ON universities (country, name_key, id);

-- A domain may belong to several universities, and a university may have several domains.
CREATE TABLE university_domains (
    domain TEXT COLLATE "C" NOT NULL CHECK (
        length(domain) BETWEEN 3 AND 253 AND domain = lower(domain)
    ),
    university_id BYTEA NOT NULL REFERENCES universities (id),
    PRIMARY KEY (domain, university_id)
);

CREATE INDEX university_domains_by_university ON university_domains (university_id);

-- One row for each university: its folded and stemmed words, joined by one space.
--
-- Words are made of a-z, 0-9 and characters beyond ASCII. The check keeps to that alphabet because
-- SQLite's tokeniser splits at every other ASCII character and PostgreSQL at spaces alone: with any
-- other character in a body the two would find different rows.
-- A word has at most 255 characters: PostgreSQL cuts the length of a longer one to 11 bits unasked.
CREATE TABLE university_search (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    university_id BYTEA NOT NULL UNIQUE REFERENCES universities (id),
    body TEXT COLLATE "C" NOT NULL,
    body_vector TSVECTOR NOT NULL
        GENERATED ALWAYS AS (array_to_tsvector(string_to_array(body, ' '))) STORED,
    CONSTRAINT university_search_words_by_one_space CHECK (
        body = btrim(body) AND strpos(body, '  ') = 0
        AND body !~ '[^a-z0-9 \u0080-\U0010ffff]'
        AND body !~ '[^ ]{255}[^ ]'
    )
);

-- Without a pending list a search never has to read entries that are not merged yet.
CREATE INDEX university_search_by_word ON university_search USING gin (body_vector)
WITH (fastupdate = off);
