-- Responses to reviews: the provider's reply with the author's answer, and helpful votes.

-- What is shown with a review and written by others. A review without a response has no row.
CREATE TABLE review_responses (
    review_id BLOB NOT NULL PRIMARY KEY REFERENCES reviews (id),
    program_id BLOB NOT NULL REFERENCES programs (id),
    -- Rises with every change of what is shown with the review: a part of its ETag.
    version INTEGER NOT NULL CHECK (version >= 1),
    helpful_count INTEGER NOT NULL CHECK (helpful_count >= 0),
    -- Those of the votes whose voters have been erased.
    erased_votes INTEGER NOT NULL DEFAULT 0 CHECK (erased_votes BETWEEN 0 AND helpful_count)
) STRICT;

-- Here and not on reviews, where every further index makes every write dearer.
CREATE INDEX review_responses_by_votes ON review_responses (program_id, helpful_count DESC, review_id);

CREATE TABLE review_votes (
    review_id BLOB NOT NULL REFERENCES reviews (id),
    voter_id BLOB NOT NULL REFERENCES principals (id),
    PRIMARY KEY (review_id, voter_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX review_votes_by_voter ON review_votes (voter_id);

-- The provider's reply, one for each review, and the author's answer to it.
CREATE TABLE review_replies (
    review_id BLOB NOT NULL PRIMARY KEY REFERENCES reviews (id),
    provider_id BLOB NOT NULL REFERENCES providers (id),
    status TEXT NOT NULL CHECK (status IN ('published', 'removed', 'withdrawn')),
    -- Rises with every change of the row: the ETag.
    version INTEGER NOT NULL CHECK (version >= 1),
    revision INTEGER NOT NULL CHECK (revision >= 1),
    -- NULL once it is withdrawn.
    text TEXT CHECK (length(text) BETWEEN 10 AND 5000),
    updated_at INTEGER NOT NULL CHECK (updated_at BETWEEN 0 AND 253402300799999999),
    -- NULL = the author has not answered; withdrawn = the author erased the text.
    answer_status TEXT CHECK (answer_status IN ('published', 'removed', 'withdrawn')),
    -- 0 = none.
    answer_revision INTEGER NOT NULL DEFAULT 0 CHECK (answer_revision >= 0),
    answer TEXT CHECK (length(answer) BETWEEN 10 AND 5000),
    answered_at INTEGER NOT NULL DEFAULT 0 CHECK (answered_at BETWEEN 0 AND 253402300799999999),
    CONSTRAINT review_replies_text_until_withdrawn CHECK ((text IS NULL) = (status = 'withdrawn')),
    CONSTRAINT review_replies_answer_until_withdrawn
        CHECK ((answer IS NULL) = (answer_status IS NULL OR answer_status = 'withdrawn')),
    CONSTRAINT review_replies_answer_is_whole
        CHECK ((answer_status IS NULL) = (answer_revision = 0) AND (answer_revision = 0) = (answered_at = 0))
) STRICT;

-- The texts that a reply or an answer had before its edits.
CREATE TABLE review_reply_revisions (
    review_id BLOB NOT NULL REFERENCES review_replies (review_id),
    target TEXT NOT NULL CHECK (target IN ('reply', 'answer')),
    revision INTEGER NOT NULL CHECK (revision >= 1),
    text TEXT NOT NULL CHECK (length(text) BETWEEN 10 AND 5000),
    -- When it was written.
    written_at INTEGER NOT NULL CHECK (written_at BETWEEN 0 AND 253402300799999999),
    PRIMARY KEY (review_id, target, revision)
) STRICT, WITHOUT ROWID;

-- Decisions are taken on replies and answers too, under the id of their review. A CHECK can only be
-- changed in the schema itself (https://sqlite.org/lang_altertable.html, section 8); RESET reads it anew.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(
    replace(
        replace(
            sql,
            'subject_kind IN (''program'', ',
            'subject_kind IN (''review_reply'', ''review_answer'', ''program'', '
        ),
        'ELSE from_status IN (',
        'WHEN ''review_reply'' THEN from_status IN ('''', ''published'', ''removed'', ''withdrawn'')
            WHEN ''review_answer'' THEN from_status IN ('''', ''published'', ''removed'', ''withdrawn'')
            ELSE from_status IN ('
    ),
    'ELSE to_status IN (',
    'WHEN ''review_reply'' THEN to_status IN (''published'', ''removed'', ''withdrawn'')
            WHEN ''review_answer'' THEN to_status IN (''published'', ''removed'', ''withdrawn'')
            ELSE to_status IN ('
)
WHERE type = 'table' AND name = 'decisions';
PRAGMA writable_schema = RESET;
