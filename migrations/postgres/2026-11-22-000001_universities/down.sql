DROP TABLE university_search;
DROP TABLE university_domains;
DROP TABLE universities;
