//! Who may act, as admins see it: moderators, assessors, admins, and what acts for providers, universities and sites.
//!
//! Participants are never listed or shown here: nothing about them is for admins to browse. A removal takes all rights
//! away from the next request on and is final; somebody who comes back gets a new principal. Conflicts of interest name
//! the providers and universities that a moderator or assessor is linked to and never rules on
//! ([`permit_ruling`](crate::moderation::store::permit_ruling)). Everything here is entered into the security log.

pub mod model;
pub mod routes;
pub mod store;
