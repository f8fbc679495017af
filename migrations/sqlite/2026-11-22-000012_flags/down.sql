DROP TABLE report_rights;
DROP TABLE reporter_measures;
DROP TABLE review_flag_reasons;
DROP TABLE review_flags;
DROP TABLE review_cases;
