//! Handlers of single programs. Lists are in [`super::list`].

mod body;
mod history;
mod read;
mod verdicts;
mod write;

pub use body::{ProgramBody, ProviderRef, ReportCounts, VerdictShort};
pub use history::{HistoryBody, ListingVersion, VersionBody};
pub use read::VerdictBody;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    // Before the single programs: their addresses would be read as slugs.
    super::list::configure_lists(config);
    super::desk::configure(config);
    config
        .service(write::post_program)
        .service(read::get_program)
        .service(write::patch_program)
        .service(write::submit_program)
        .service(write::archive_program)
        .service(write::decide_program)
        .service(history::get_program_history)
        .service(history::get_program_version)
        .service(read::get_program_verdict)
        .service(verdicts::get_program_verdict_history)
        .service(verdicts::get_program_verdict_inputs);
}
