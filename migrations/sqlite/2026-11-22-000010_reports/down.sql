DROP TABLE report_answers;

DROP INDEX red_flag_reports_in_triage;
DROP INDEX red_flag_reports_submitted;
DROP INDEX red_flag_reports_in_queue;
DROP INDEX red_flag_reports_by_status;
CREATE INDEX red_flag_reports_by_status ON red_flag_reports (status, created_at, id);

ALTER TABLE red_flag_reports DROP COLUMN half_year;
ALTER TABLE red_flag_reports DROP COLUMN queue_key;
ALTER TABLE red_flag_reports DROP COLUMN verification;
