//! The OAuth 2 endpoints: how a client gets an access token for its secret, and a session its next one.
//!
//! RFC 6749 with the two grants that machines and sessions need (`client_credentials`, `refresh_token`; never
//! `password`), RFC 7009 revocation, RFC 7662 introspection, and the documents of RFC 8414 and RFC 9728 by which
//! libraries find all that. Bodies are forms, and refusals have the form that RFC 6749 section 5.2 prescribes; both are
//! found nowhere else in the service. What concerns the transport (media type, size, rate limit, a fault of ours) is
//! answered by a problem document as everywhere.

mod credentials;
pub mod form;
mod inspection;
mod metadata;
pub mod model;
mod refusal;
mod routes;

pub use refusal::{OAuthError, Refusal, RefusalCode};
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    routes::configure(config);
    inspection::configure(config);
    metadata::configure(config);
}
