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

DROP INDEX principals_by_role;
ALTER TABLE principals DROP COLUMN disabled_reason;
DELETE FROM principals WHERE role = 'frontend';
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(sql, '''provider'', ''university'', ''frontend'')', '''provider'', ''university'')')
WHERE type = 'table' AND name = 'principals';
PRAGMA writable_schema = RESET;
