DROP INDEX review_answers_to_purge;
DROP INDEX review_replies_to_purge;
-- Before, a text that is gone was one that was taken back.
UPDATE review_replies SET status = 'withdrawn' WHERE text IS NULL;
UPDATE review_replies SET answer_status = 'withdrawn' WHERE answer IS NULL AND answer_status IS NOT NULL;
ALTER TABLE review_replies DROP CONSTRAINT review_replies_text_until_withdrawn;
ALTER TABLE review_replies ADD CONSTRAINT review_replies_text_until_withdrawn
CHECK ((text IS NULL) = (status = 'withdrawn'));
ALTER TABLE review_replies DROP CONSTRAINT review_replies_answer_until_withdrawn;
ALTER TABLE review_replies ADD CONSTRAINT review_replies_answer_until_withdrawn
CHECK ((answer IS NULL) = (answer_status IS NULL OR answer_status = 'withdrawn'));

DROP INDEX red_flag_reports_to_purge;
ALTER TABLE red_flag_reports DROP COLUMN purged;
DROP INDEX appeals_to_purge;
DROP INDEX reviews_to_purge;
ALTER TABLE reviews DROP COLUMN purged;
DROP TABLE notices;
DROP TABLE notice_addresses;
