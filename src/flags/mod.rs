//! Flags: readers say what is wrong with a published review, and moderators look at it once for all of them.
//!
//! One flag for each party and review, one open case for each review. The review stays public meanwhile, unless a flag
//! tells of illegal content or of a patient who can be recognised: then it is held at once, within bounds that keep one
//! person from silencing reviews ([`model::may_hold`]). Who flagged is shown to nobody, moderators included.

pub mod body;
pub mod model;
pub mod routes;
pub mod store;
