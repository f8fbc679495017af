//! Clients: the programs by which providers, universities and frontends call the API (OAuth 2 confidential clients).
//!
//! An admin registers a client and hands its secret on; the secret is shown once and stored as a hash. A client has a
//! principal of its own, so that its rights can end without touching those of another. It has two secrets at the most
//! that hold, which is what changing a secret without an interruption takes. How a client gets access tokens is told
//! in [`oauth`](crate::oauth).

pub mod body;
pub mod model;
pub mod routes;
pub mod store;
