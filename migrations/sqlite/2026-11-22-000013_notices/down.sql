DROP INDEX review_answers_to_purge;
DROP INDEX review_replies_to_purge;
-- Before, a text that is gone was one that was taken back.
UPDATE review_replies SET status = 'withdrawn' WHERE text IS NULL;
UPDATE review_replies SET answer_status = 'withdrawn' WHERE answer IS NULL AND answer_status IS NOT NULL;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(
    replace(
        sql,
        'CHECK (
        CASE status WHEN ''published'' THEN text IS NOT NULL WHEN ''withdrawn'' THEN text IS NULL ELSE 1 END
    )',
        'CHECK ((text IS NULL) = (status = ''withdrawn''))'
    ),
    'CHECK (
        CASE answer_status WHEN ''published'' THEN answer IS NOT NULL WHEN ''removed'' THEN 1 ELSE answer IS NULL END
    )',
    'CHECK ((answer IS NULL) = (answer_status IS NULL OR answer_status = ''withdrawn''))'
)
WHERE type = 'table' AND name = 'review_replies';
PRAGMA writable_schema = RESET;

DROP INDEX red_flag_reports_to_purge;
ALTER TABLE red_flag_reports DROP COLUMN purged;
DROP INDEX appeals_to_purge;
DROP INDEX reviews_to_purge;
ALTER TABLE reviews DROP COLUMN purged;
DROP TABLE notices;
DROP TABLE notice_addresses;
