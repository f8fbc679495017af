DROP INDEX programs_submitted;
DROP INDEX reviews_held;
DROP TABLE moderation_proposals;
DROP TABLE moderation_claims;
