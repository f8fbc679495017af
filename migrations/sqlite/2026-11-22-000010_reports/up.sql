-- Reports that are heard: how it is known that the reporter took part, what cannot wait, what the
-- provider says before publication, and what moderators do about reporters.

-- How it was known, when the report was made, that its reporter took part.
ALTER TABLE red_flag_reports ADD COLUMN verification TEXT NOT NULL DEFAULT 'none'
CHECK (
    verification IN ('participation_code', 'university_confirmed', 'university_email', 'none')
);
-- The order in which moderators take reports up: when it was made; less 253402300800000000, and so
-- negative, for a report that cannot wait.
ALTER TABLE red_flag_reports ADD COLUMN queue_key INTEGER NOT NULL DEFAULT 0
CHECK (queue_key BETWEEN -253402300800000000 AND 253402300799999999);
-- The half-year in which it happened; NULL where an earlier version of the program wrote the row.
ALTER TABLE red_flag_reports ADD COLUMN half_year INTEGER
CHECK (half_year BETWEEN 3800 AND 4399);

UPDATE red_flag_reports SET
    queue_key = created_at - CASE kind WHEN 'harassment_or_abuse' THEN 253402300800000000 ELSE 0 END,
    half_year = CAST(substr(json_extract(content, '$.input.happened.end_month'), 1, 4) AS INTEGER) * 2 + (CAST(substr(json_extract(content, '$.input.happened.end_month'), 6, 2) AS INTEGER) > 6);

DROP INDEX red_flag_reports_by_status;
CREATE INDEX red_flag_reports_by_status ON red_flag_reports (status, queue_key, id);
CREATE INDEX red_flag_reports_in_queue ON red_flag_reports (queue_key, id);
-- The order in which one queue has everything that waits.
CREATE INDEX red_flag_reports_submitted ON red_flag_reports (status, created_at, id) WHERE status = 'submitted';
CREATE INDEX red_flag_reports_in_triage ON red_flag_reports (status, created_at, id) WHERE status = 'in_triage';

-- What the provider was asked about a report before it is found true, and what it said.
CREATE TABLE report_answers (
    report_id BLOB NOT NULL PRIMARY KEY REFERENCES red_flag_reports (id),
    provider_id BLOB NOT NULL REFERENCES providers (id),
    -- A moderator's words, from which nothing leads to the reporter.
    summary TEXT NOT NULL CHECK (length(summary) BETWEEN 20 AND 2000),
    -- The last day on which it may be answered.
    answer_until INTEGER NOT NULL CHECK (answer_until BETWEEN 0 AND 2932896),
    answer TEXT CHECK (length(answer) BETWEEN 10 AND 10000)
) STRICT;

CREATE INDEX report_answers_by_provider
ON report_answers (provider_id, answer_until, report_id);
