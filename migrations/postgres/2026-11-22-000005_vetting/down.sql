DELETE FROM decisions WHERE subject_kind IN ('assessment', 'triage_entry');
ALTER TABLE decisions DROP CONSTRAINT decisions_subject_kind_check;
ALTER TABLE decisions ADD CONSTRAINT decisions_subject_kind_check CHECK (
    subject_kind IN ('program', 'review', 'red_flag_report')
);
ALTER TABLE decisions DROP CONSTRAINT decisions_from_status_fits_subject;
ALTER TABLE decisions ADD CONSTRAINT decisions_from_status_fits_subject CHECK (
    CASE subject_kind
        WHEN 'program' THEN from_status IN (
            '', 'draft', 'submitted', 'listed', 'suspended', 'archived'
        )
        WHEN 'review' THEN from_status IN (
            '', 'pending', 'held', 'published', 'rejected', 'withdrawn'
        )
        ELSE from_status IN (
            '', 'submitted', 'in_triage', 'needs_info', 'substantiated', 'unsubstantiated',
            'withdrawn', 'remediated'
        )
    END
);
ALTER TABLE decisions DROP CONSTRAINT decisions_to_status_fits_subject;
ALTER TABLE decisions ADD CONSTRAINT decisions_to_status_fits_subject CHECK (
    CASE subject_kind
        WHEN 'program' THEN to_status IN (
            'draft', 'submitted', 'listed', 'suspended', 'archived'
        )
        WHEN 'review' THEN to_status IN (
            'pending', 'held', 'published', 'rejected', 'withdrawn'
        )
        ELSE to_status IN (
            'submitted', 'in_triage', 'needs_info', 'substantiated', 'unsubstantiated',
            'withdrawn', 'remediated'
        )
    END
);

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
