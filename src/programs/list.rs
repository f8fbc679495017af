//! Lists of programs.
pub fn configure_lists(_: &mut utoipa_actix_web::service_config::ServiceConfig) {}
