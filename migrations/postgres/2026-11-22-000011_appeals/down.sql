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
ALTER TABLE decisions DROP CONSTRAINT decisions_subject_kind_check;
ALTER TABLE decisions ADD CONSTRAINT decisions_subject_kind_check CHECK (
    subject_kind IN (
        'program', 'review', 'red_flag_report', 'assessment', 'triage_entry',
        'review_reply', 'review_answer'
    )
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
        WHEN 'assessment' THEN from_status IN (
            '', 'draft', 'submitted', 'signed_off', 'published', 'superseded', 'withdrawn'
        )
        WHEN 'triage_entry' THEN from_status IN (
            '', 'open', 'confirmed', 'dismissed', 'remediated'
        )
        WHEN 'review_reply' THEN from_status IN (
            '', 'published', 'removed', 'withdrawn'
        )
        WHEN 'review_answer' THEN from_status IN (
            '', 'published', 'removed', 'withdrawn'
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
        WHEN 'assessment' THEN to_status IN (
            'draft', 'submitted', 'signed_off', 'published', 'superseded', 'withdrawn'
        )
        WHEN 'triage_entry' THEN to_status IN (
            'open', 'confirmed', 'dismissed', 'remediated'
        )
        WHEN 'review_reply' THEN to_status IN (
            'published', 'removed', 'withdrawn'
        )
        WHEN 'review_answer' THEN to_status IN (
            'published', 'removed', 'withdrawn'
        )
        ELSE to_status IN (
            'submitted', 'in_triage', 'needs_info', 'substantiated', 'unsubstantiated',
            'withdrawn', 'remediated'
        )
    END
);
