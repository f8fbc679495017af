//! Cohorts over HTTP: whoever knows who took part makes one and hands its codes out.
//!
//! Universities vouch for the participants whom they sent; a provider for those of its own programs, which is weaker and
//! is shown so. Whoever made a cohort reads how many of its codes were redeemed, as of the start of a day and never
//! which: with the moment of a redemption they could find out whose it was.

pub mod body;
pub mod model;
pub mod routes;
pub mod store;
