//! Confirmations: a participant without a code asks a university to say that they took part.
//!
//! What the participant writes for the university, name and student number, is sealed, shown to that university alone,
//! and erased with its decision. Then the request does not say any more who made it, and what the participant keeps, the
//! confirmation, does not say of which request it came: no row leads from a name that a university saw to a review.

pub mod body;
pub mod model;
pub mod routes;
pub mod store;
