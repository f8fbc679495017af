//! The security log: sign-ins, failures, denials, revocations and decisions, as rows that are never changed.
//!
//! Each row's hash covers its content and the hash of the row before it, under a key of the data directory: whoever
//! can write to the database but lacks that key can neither change nor remove a row in the middle without
//! `preceptor audit verify` seeing it. A row is written in the transaction of what it tells of. Rows name principals
//! and things by id; never an address, a token or a code, nor a participant together with what could unmask them.

pub mod routes;
pub mod store;

pub use store::{AuditKey, Event, append};

use crate::text_enum::text_enum;

text_enum! {
    /// What happened.
    pub enum AuditKind {
        /// A token was made on the command line.
        TokenIssued = "token.issued",
        /// A token or session was revoked by its holder.
        TokenRevoked = "token.revoked",
        /// Someone got in.
        SignedIn = "sign_in.succeeded",
        /// A code, secret or refresh token was refused.
        SignInFailed = "sign_in.failed",
        /// A used refresh token came back: its session was ended.
        RefreshReused = "refresh.reused",
        /// A session was ended by its principal.
        SessionEnded = "session.ended",
        /// A client was made.
        ClientCreated = "client.created",
        /// A client was changed.
        ClientChanged = "client.changed",
        /// A client was revoked.
        ClientRevoked = "client.revoked",
        /// A secret was made for a client.
        SecretCreated = "secret.created",
        /// A client's secret was revoked.
        SecretRevoked = "secret.revoked",
        /// A principal lost all rights.
        PrincipalRemoved = "principal.removed",
        /// A conflict of interest was written down.
        ConflictAdded = "conflict.added",
        /// A conflict of interest was taken back.
        ConflictRemoved = "conflict.removed",
        /// A signed-in caller was refused an act.
        Denied = "access.denied",
        /// Participation codes were issued.
        CodesIssued = "codes.issued",
        /// The open participation codes of a cohort were taken back.
        CodesRevoked = "codes.revoked",
        /// A university confirmed that somebody took part; the row does not say who.
        ConfirmationGiven = "confirmation.given",
        /// A university did not confirm that somebody took part; the row does not say who.
        ConfirmationRefused = "confirmation.refused",
        /// A participation code was redeemed; the row does not say which, nor by whom.
        CodeRedeemed = "code.redeemed",
        /// A participant took out their own data.
        DataExported = "data.exported",
        /// A participant's identity was erased.
        IdentityErased = "identity.erased",
        /// A new version of the rubric was put in force.
        RubricReplaced = "rubric.replaced",
        /// The next signing key was made.
        KeysRotated = "keys.rotated",
        /// A signing key was ended before its time.
        KeyRetired = "keys.retired",
        /// A moderator's act that changed a state.
        Decided = "decision.made",
        /// A moderator's act that changes a state once a second moderator agrees.
        Proposed = "decision.proposed",
    }
}
