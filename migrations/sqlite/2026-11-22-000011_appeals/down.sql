DROP TABLE appeals;
DROP INDEX decisions_begun;
DROP INDEX decisions_public_by_provider;
DROP INDEX decisions_public_by_program;
DROP INDEX decisions_public_by_action;
DROP INDEX decisions_public_by_kind;
DROP INDEX decisions_public;
ALTER TABLE decisions DROP COLUMN public_month;
ALTER TABLE decisions DROP COLUMN provider_id;
ALTER TABLE decisions DROP COLUMN program_id;
ALTER TABLE decisions DROP COLUMN automated;
ALTER TABLE decisions DROP COLUMN facts;
ALTER TABLE decisions DROP COLUMN ground;
DELETE FROM decisions WHERE subject_kind = 'appeal';
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(
    replace(
        replace(sql, 'subject_kind IN (''appeal'', ''review_reply'', ', 'subject_kind IN (''review_reply'', '),
        'WHEN ''appeal'' THEN from_status IN ('''', ''pending'', ''upheld'', ''denied'')
            WHEN ''program'' THEN from_status IN (',
        'WHEN ''program'' THEN from_status IN ('
    ),
    'WHEN ''appeal'' THEN to_status IN (''pending'', ''upheld'', ''denied'')
            WHEN ''program'' THEN to_status IN (',
    'WHEN ''program'' THEN to_status IN ('
)
WHERE type = 'table' AND name = 'decisions';
PRAGMA writable_schema = RESET;
