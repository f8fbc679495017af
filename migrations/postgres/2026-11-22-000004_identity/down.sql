DROP TABLE audit_events;
DROP TABLE idempotency_keys;
DROP TABLE conflicts_of_interest;
DROP TABLE participations;
DROP TABLE participation_codes;
DROP TABLE cohorts;
DROP TABLE outside_identities;
DROP TABLE participant_addresses;
DROP TABLE sign_in_codes;
DROP TABLE revoked_tokens;
DROP TABLE refresh_tokens;
DROP TABLE sessions;
DROP TABLE client_secrets;
DROP TABLE clients;
DROP FUNCTION refuse_change;

DROP INDEX principals_by_role;
ALTER TABLE principals DROP COLUMN disabled_reason;
DELETE FROM principals WHERE role = 'frontend';
ALTER TABLE principals DROP CONSTRAINT principals_role_check;
ALTER TABLE principals ADD CONSTRAINT principals_role_check CHECK (
    role IN ('admin', 'moderator', 'assessor', 'participant', 'provider', 'university')
);
