DROP TABLE decisions;
DROP TABLE red_flag_reports;
DROP TABLE review_revisions;
DROP TABLE reviews;
