//! Decisions: every act that changes the state of a program, review or report is written down once, with who did it,
//! from which state to which, and why.
//!
//! The rows are never changed. Public answers show the role of whoever decided and the reason, never the person.
//! The states themselves, and who may change them, belong to the features; this module keeps the record.
//!
//! It also has what all that waits for moderators shares: one queue (`queue`), claims that keep two moderators from working
//! on one thing (`claim_store`), acts that take two of them (`proposal_store`), and several decisions at once (`batch`).

pub mod batch;
pub mod claim_store;
pub mod proposal_store;
pub mod queue;
pub mod queue_store;
pub mod routes;
pub mod statement;
pub mod store;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    audit::AuditKey,
    auth::{Caller, Role},
    ids::DecisionId,
    reference::Ground,
    text_enum::text_enum,
    time::Timestamp,
};

pub use statement::{Party, Restriction};

text_enum! {
    /// What a decision is about.
    pub enum SubjectKind {
        /// An appeal.
        Appeal = "appeal",
        /// An assessment.
        Assessment = "assessment",
        /// A program.
        Program = "program",
        /// A review.
        Review = "review",
        /// The author's answer to the reply to a review; its id is the review's.
        ReviewAnswer = "review_answer",
        /// The provider's reply to a review; its id is the review's.
        ReviewReply = "review_reply",
        /// A red-flag report.
        RedFlagReport = "red_flag_report",
        /// A triage entry.
        TriageEntry = "triage_entry",
    }
}

text_enum! {
    /// In which role somebody acted.
    pub enum ActorRole {
        /// An admin.
        Admin = "admin",
        /// A moderator.
        Moderator = "moderator",
        /// An assessor.
        Assessor = "assessor",
        /// The author of the review or report.
        Participant = "participant",
        /// The provider of the program.
        Provider = "provider",
        /// A university.
        University = "university",
        /// The service itself.
        System = "system",
    }
}

impl From<Role> for ActorRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Moderator => Self::Moderator,
            Role::Assessor => Self::Assessor,
            Role::Participant => Self::Participant,
            Role::Provider => Self::Provider,
            Role::University => Self::University,
            // It may only read, so that no act is ever its own.
            Role::Frontend => Self::System,
        }
    }
}

/// A change of state that is about to be written down.
#[derive(Debug, Clone)]
pub struct Act<'a> {
    /// The id of the new record.
    pub id: DecisionId,
    /// Who acts.
    pub by: Caller,
    /// The word for what is done, as the API names it.
    pub action: &'a str,
    /// The state before; empty for an act that makes the subject.
    pub from: &'a str,
    /// The state after.
    pub to: &'a str,
    /// Why; empty where the act is the author's own and needs no reason.
    pub reason: &'a str,
    /// When.
    pub at: Timestamp,
    /// For rulings: the key of the security log, into which they are entered too. `None` for what the author or the
    /// provider does with what is their own: the log is read by admins, who are not to learn who wrote a review.
    pub audit: Option<&'a AuditKey>,
}

/// A change of state that the service makes by rule, in nobody's name.
#[derive(Debug, Clone)]
pub struct OwnAct<'a> {
    /// The id of the new record.
    pub id: DecisionId,
    /// The word for what is done, as the API names it.
    pub action: &'a str,
    /// The state before; empty for an act that makes the subject.
    pub from: &'a str,
    /// The state after.
    pub to: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When.
    pub at: Timestamp,
}

/// A change of state, as the public reads it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecisionBody {
    /// The record's id.
    pub id: DecisionId,
    /// What was done.
    #[schema(max_length = 40, pattern = "^[a-z_]+$", example = "list")]
    pub action: String,
    /// The state before; empty for the act that made it.
    #[schema(max_length = 40, pattern = "^[a-z_]*$", example = "submitted")]
    pub from_status: String,
    /// The state after.
    #[schema(max_length = 40, pattern = "^[a-z_]+$", example = "listed")]
    pub to_status: String,
    /// In which role it was done.
    pub actor_role: ActorRole,
    /// What it takes from whom it affects.
    pub restriction: Restriction,
    /// What it rests on; null for an act that is no ruling.
    pub ground: Option<Ground>,
    /// Whether the automatic checks found what it is about.
    pub automated: bool,
    /// Why.
    #[schema(max_length = 2000)]
    pub reason: String,
    /// When.
    pub created_at: Timestamp,
}
