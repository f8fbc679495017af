-- What lies between the writing of a review and its publication: what the checks found, until when a verified
-- review waits for others, and what later texts are compared with.

-- What the checks found in a held review: places and sentences, never the text itself.
ALTER TABLE reviews ADD COLUMN findings TEXT NOT NULL DEFAULT '[]'
CHECK (json_valid(findings) AND json_type(findings) = 'array');
-- Until when a pending review waits for others of its program and half-year, at the latest; 0 = it does not wait.
ALTER TABLE reviews ADD COLUMN release_at INTEGER NOT NULL DEFAULT 0
CHECK (release_at BETWEEN 0 AND 253402300799999999);
CREATE INDEX reviews_by_release ON reviews (release_at, id) WHERE release_at > 0;
CREATE INDEX reviews_waiting ON reviews (program_id, half_year, id) WHERE release_at > 0;

-- Sketches of the long texts of a review, 256 bytes each. They tell how alike two texts are, and do not give a text
-- back. Taken away when the review is withdrawn.
CREATE TABLE review_sketches (
    review_id BLOB NOT NULL PRIMARY KEY REFERENCES reviews (id),
    sketches BLOB NOT NULL CHECK (length(sketches) BETWEEN 256 AND 1536)
) STRICT;

-- Some values of each sketch: two texts that are nearly the same share at least one.
CREATE TABLE review_sketch_keys (
    provider_id BLOB NOT NULL REFERENCES providers (id),
    sketch_key INTEGER NOT NULL,
    review_id BLOB NOT NULL REFERENCES reviews (id),
    PRIMARY KEY (provider_id, sketch_key, review_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX review_sketch_keys_by_review ON review_sketch_keys (review_id);

-- How many reviews were written, by quarters of days since 1970-01-01 UTC.
CREATE TABLE review_arrivals (
    provider_id BLOB NOT NULL REFERENCES providers (id),
    quarter_day INTEGER NOT NULL CHECK (quarter_day >= 0),
    program_id BLOB NOT NULL REFERENCES programs (id),
    arrived INTEGER NOT NULL CHECK (arrived >= 1),
    PRIMARY KEY (provider_id, quarter_day, program_id)
) STRICT, WITHOUT ROWID;
