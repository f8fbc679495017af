DROP TABLE review_arrivals;
DROP TABLE review_sketch_keys;
DROP TABLE review_sketches;
DROP INDEX reviews_waiting;
DROP INDEX reviews_by_release;
ALTER TABLE reviews DROP COLUMN release_at;
ALTER TABLE reviews DROP COLUMN findings;
