//! The service about itself: health, the API document, its page for people, the problem types, and the entry links.
//!
//! Liveness does no I/O; readiness asks the database within a second. The document served is the committed one.
//! The page for people is Swagger UI from files inside the binary, so it needs no other network.
//! Each problem type's address answers with its title and remedy.

mod health;
pub mod routes;
