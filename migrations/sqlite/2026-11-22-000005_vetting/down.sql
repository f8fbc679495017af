DELETE FROM decisions WHERE subject_kind IN ('assessment', 'triage_entry');
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(
    replace(
        replace(
            sql,
            'subject_kind IN (''program'', ''review'', ''red_flag_report'', ''assessment'', ''triage_entry'')',
            'subject_kind IN (''program'', ''review'', ''red_flag_report'')'
        ),
        'WHEN ''assessment'' THEN from_status IN (
                '''', ''draft'', ''submitted'', ''signed_off'', ''published'', ''superseded'', ''withdrawn''
            )
            WHEN ''triage_entry'' THEN from_status IN (
                '''', ''open'', ''confirmed'', ''dismissed'', ''remediated''
            )
            ELSE from_status IN (',
        'ELSE from_status IN ('
    ),
    'WHEN ''assessment'' THEN to_status IN (
                ''draft'', ''submitted'', ''signed_off'', ''published'', ''superseded'', ''withdrawn''
            )
            WHEN ''triage_entry'' THEN to_status IN (
                ''open'', ''confirmed'', ''dismissed'', ''remediated''
            )
            ELSE to_status IN (',
    'ELSE to_status IN ('
)
WHERE type = 'table' AND name = 'decisions';
PRAGMA writable_schema = RESET;

-- Without assessments every verdict follows from the reports alone.
UPDATE programs SET verdict = 'insufficient_evidence'
WHERE critical_report_count = 0 AND verdict <> 'insufficient_evidence';

ALTER TABLE programs DROP COLUMN codes_issued;
ALTER TABLE programs DROP COLUMN notices;
ALTER TABLE programs DROP COLUMN stale_from;
ALTER TABLE programs DROP COLUMN insufficient_from;
ALTER TABLE programs DROP COLUMN conditions_from;

DROP TABLE verdict_changes;
DROP TABLE program_vetting;
DROP TABLE triage_cleared_reviews;
DROP TABLE triage_entries;
DROP TABLE self_report_claims;
DROP TABLE self_report_tasks;
DROP TABLE assessment_revisions;
DROP TABLE assessments;
DROP TABLE rubrics;
