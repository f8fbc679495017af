DROP TABLE university_search_index;
DROP TABLE university_search;
DROP TABLE university_domains;
DROP TABLE universities;
