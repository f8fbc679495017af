//! Participation: proof of having taken part in a program, by a code that whoever ran it hands out.
//!
//! A code belongs to a cohort, the participants of one program in one period, and is redeemed once, with or without a
//! token. What remains is that a participant took part in that period, which makes their reviews verified, and that the
//! code was redeemed. Nothing joins the two: a code's row has no time and no person, a participation's row has no code,
//! and the security log says only that some code was redeemed. Were there a time in the code's row, it could be laid
//! beside the time at which a participant or a session was made.

pub mod body;
pub mod model;
pub mod routes;
pub mod store;
