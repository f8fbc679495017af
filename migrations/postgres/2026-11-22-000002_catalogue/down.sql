DROP TABLE program_search;
DROP TABLE program_tallies;
DROP TABLE program_terms;
DROP TABLE program_versions;
DROP TABLE programs;
DROP TABLE principals;
DROP TABLE providers;
