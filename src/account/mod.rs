//! One's own data: what everyone may read of themselves, and what participants take out or erase.
//!
//! Everything that the database holds about a participant hangs on the random id of a principal; the address and the
//! proofs of taking part are rows of their own, which erasure deletes. What is left then is a pseudonym that leads to
//! nobody: reviews stay under it or are emptied, as the participant chooses, and reports stay, because their text is
//! evidence. `docs/privacy.md` says what is stored, for how long, and who sees it.

pub mod body;
pub mod model;
pub mod routes;
pub mod store;
