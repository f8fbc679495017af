//! Structured self-reports: what published, verified reviews tell of tasks, supervision, consent and the listing's
//! claims.
//!
//! The rows come and go with the publication of a review, in its transaction. Read against the task matrix they give
//! signals: counts of distinct people and periods per kind of red flag. One critical signal opens a triage entry and
//! puts the program under review; two people from different periods make the criterion `not_met` until a moderator has
//! ruled.

pub mod body;
pub mod model;
pub mod routes;
pub mod store;
pub mod triage;
pub mod triage_body;
pub mod triage_store;
