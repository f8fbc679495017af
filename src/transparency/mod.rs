//! Figures about moderation: how much came in, how long it took, and what became of it. Figures below
//! [`LEAST`](model::LEAST) are not shown, because a small count could tell of a person.

pub mod model;
pub mod routes;
pub mod store;
