-- Notices by mail, for those who want them, and what is left of what was turned down long ago.

-- Where notices go. Erasure, and whoever wants no more of them, deletes the row.
CREATE TABLE notice_addresses (
    -- A participant's principal, or a provider.
    recipient_id BLOB NOT NULL PRIMARY KEY CHECK (length(recipient_id) = 16),
    recipient_kind TEXT NOT NULL CHECK (recipient_kind IN ('participant', 'provider')),
    -- Under which sign_in_codes holds the code that confirms it; of another key than sign-in.
    address_hash BLOB NOT NULL CHECK (length(address_hash) = 32),
    sealed BLOB NOT NULL CHECK (length(sealed) BETWEEN 28 AND 400),
    confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1))
) STRICT;

-- Letters to be sent, written with what they tell of. They hold no address and no text.
CREATE TABLE notices (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    recipient_id BLOB NOT NULL CHECK (length(recipient_id) = 16),
    recipient_kind TEXT NOT NULL CHECK (recipient_kind IN ('participant', 'provider')),
    kind TEXT NOT NULL CHECK (kind IN ('decision', 'reply', 'needs_info', 'answer_request')),
    -- As in decisions.
    subject_kind TEXT NOT NULL CHECK (
        length(subject_kind) <= 40 AND subject_kind <> '' AND subject_kind NOT GLOB '*[^a-z_]*'
    ),
    subject_id BLOB NOT NULL CHECK (length(subject_id) = 16),
    created_at INTEGER NOT NULL CHECK (created_at BETWEEN 0 AND 253402300799999999),
    attempts INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 100),
    -- When it is to be tried next; whoever tries sets it on first, so that nobody else does. 0 = never again.
    next_at INTEGER NOT NULL CHECK (next_at BETWEEN 0 AND 253402300799999999),
    -- 0 = not sent.
    sent_at INTEGER NOT NULL DEFAULT 0 CHECK (sent_at BETWEEN 0 AND 253402300799999999)
) STRICT;

CREATE INDEX notices_due ON notices (next_at, id) WHERE next_at > 0;
CREATE INDEX notices_settled ON notices (created_at, id) WHERE next_at = 0;
CREATE INDEX notices_by_recipient ON notices (recipient_id);

-- Whether nothing that somebody wrote is left in it.
ALTER TABLE reviews ADD COLUMN purged INTEGER NOT NULL DEFAULT 0 CHECK (purged IN (0, 1));
CREATE INDEX appeals_to_purge ON appeals (updated_at, id) WHERE status <> 'pending' AND words IS NOT NULL;
CREATE INDEX reviews_to_purge ON reviews (updated_at, id)
WHERE purged = 0 AND status IN ('rejected', 'withdrawn');
ALTER TABLE red_flag_reports ADD COLUMN purged INTEGER NOT NULL DEFAULT 0 CHECK (purged IN (0, 1));
CREATE INDEX red_flag_reports_to_purge ON red_flag_reports (updated_at, id)
WHERE purged = 0 AND status IN ('unsubstantiated', 'withdrawn');

-- A removed text may be gone. A CHECK can only be changed in the schema itself
-- (https://sqlite.org/lang_altertable.html, section 8); RESET reads it anew.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(
    replace(
        sql,
        'CHECK ((text IS NULL) = (status = ''withdrawn''))',
        'CHECK (
        CASE status WHEN ''published'' THEN text IS NOT NULL WHEN ''withdrawn'' THEN text IS NULL ELSE 1 END
    )'
    ),
    'CHECK ((answer IS NULL) = (answer_status IS NULL OR answer_status = ''withdrawn''))',
    'CHECK (
        CASE answer_status WHEN ''published'' THEN answer IS NOT NULL WHEN ''removed'' THEN 1 ELSE answer IS NULL END
    )'
)
WHERE type = 'table' AND name = 'review_replies';
PRAGMA writable_schema = RESET;
CREATE INDEX review_replies_to_purge ON review_replies (updated_at, review_id)
WHERE status = 'removed' AND text IS NOT NULL;
CREATE INDEX review_answers_to_purge ON review_replies (answered_at, review_id)
WHERE answer_status = 'removed' AND answer IS NOT NULL;
