DELETE FROM decisions WHERE subject_kind IN ('review_reply', 'review_answer');
ALTER TABLE decisions DROP CONSTRAINT decisions_subject_kind_check;
ALTER TABLE decisions ADD CONSTRAINT decisions_subject_kind_check CHECK (
    subject_kind IN (
        'program', 'review', 'red_flag_report', 'assessment', 'triage_entry'
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
        ELSE to_status IN (
            'submitted', 'in_triage', 'needs_info', 'substantiated', 'unsubstantiated',
            'withdrawn', 'remediated'
        )
    END
);

DROP TABLE review_reply_revisions;
DROP TABLE review_replies;
DROP TABLE review_votes;
DROP TABLE review_responses;
