DELETE FROM decisions WHERE subject_kind IN ('review_reply', 'review_answer');
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(
    replace(
        replace(
            sql,
            'subject_kind IN (''review_reply'', ''review_answer'', ''program'', ',
            'subject_kind IN (''program'', '
        ),
        'WHEN ''review_reply'' THEN from_status IN ('''', ''published'', ''removed'', ''withdrawn'')
            WHEN ''review_answer'' THEN from_status IN ('''', ''published'', ''removed'', ''withdrawn'')
            ELSE from_status IN (',
        'ELSE from_status IN ('
    ),
    'WHEN ''review_reply'' THEN to_status IN (''published'', ''removed'', ''withdrawn'')
            WHEN ''review_answer'' THEN to_status IN (''published'', ''removed'', ''withdrawn'')
            ELSE to_status IN (',
    'ELSE to_status IN ('
)
WHERE type = 'table' AND name = 'decisions';
PRAGMA writable_schema = RESET;

DROP TABLE review_reply_revisions;
DROP TABLE review_replies;
DROP TABLE review_votes;
DROP TABLE review_responses;
