//! The OpenAPI document: made from the handlers' attributes, completed with what holds for every operation.
//!
//! The document is also what request bodies are checked against ([`crate::http::schema`]), so a constraint is written
//! once, on the input type. `complete` adds error answers, headers, limits and links; `example` makes examples
//! from the schemas.

mod complete;
mod example;
mod idempotency;
mod oauth;

use std::sync::LazyLock;

use actix_web::App;
use serde_json::Value;
use utoipa::{
    OpenApi, PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ObjectBuilder, Type},
    },
};
use utoipa_actix_web::AppExt;

use crate::{http::Problem, moderation::queue::ClaimFilter, oauth::OAuthError};

static DOCUMENT: LazyLock<Value> = LazyLock::new(build);

/// The document.
#[must_use]
pub fn document() -> &'static Value {
    &DOCUMENT
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Preceptor",
        description = "Vets medical internships abroad: program listings, participant reviews, red-flag reports, and \
            the verdict that follows from them.\n\nErrors are problem documents (RFC 9457). Lists are read by cursor. \
            A change needs the resource's ETag in `If-Match`. Times are UTC.",
        contact(name = "Preceptor maintainers", url = "https://preceptor.invalid/"),
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(Problem, OAuthError, ClaimFilter)),
    tags(
        (name = "programs", description = "Listings of medical internships, from draft to archive."),
        (name = "assessments", description = "What assessors found about a program, criterion by criterion, with evidence."),
        (name = "providers", description = "The organisations that run programs."),
        (name = "reviews", description = "What participants tell about a program."),
        (name = "review-cases", description = "Reviews that readers have flagged, for moderators to look at."),
        (name = "red-flag-reports", description = "Accounts of red flags, and what moderators found."),
        (name = "self-reports", description = "What verified reviews tell of tasks and claims, as counts."),
        (name = "triage-entries", description = "What verified reviews tell of that is critical, and what moderators found."),
        (name = "moderation", description = "What waits for moderators, whatever its kind."),
        (name = "decisions", description = "What was decided and why: the public record, and statements of reasons."),
        (name = "appeals", description = "Having somebody else look at a decision again."),
        (name = "transparency", description = "How moderation works, in figures."),
        (name = "universities", description = "Universities and their mail domains."),
        (name = "clients", description = "The programs by which providers, universities and frontends call the API."),
        (name = "oauth", description = "Access tokens: getting, renewing, revoking, inspecting (OAuth 2)."),
        (name = "sign-in", description = "How participants come in: by e-mail, or by a participation code."),
        (name = "cohorts", description = "Who took part: cohorts and their participation codes, and what a university confirms."),
        (name = "notices", description = "Notices by mail, for those who want them."),
        (name = "account", description = "What is stored about oneself: to read, to take out, to erase."),
        (name = "principals", description = "Who may act, and who may not rule on what."),
        (name = "audit", description = "The security log."),
        (name = "reference", description = "Closed lists: kinds of red flag, criteria, tasks, codes."),
        (name = "service", description = "The service about itself."),
    )
)]
struct Base;

fn build() -> Value {
    let (_, collected) = App::new().into_utoipa_app().configure(crate::app::routes).split_for_parts();
    let mut api = Base::openapi();
    api.merge(collected);
    let mut document = serde_json::to_value(api).unwrap_or_default();
    complete::complete(&mut document);
    document
}

/// The document's own schema in the document: any object.
#[derive(Debug)]
pub struct Document;

impl PartialSchema for Document {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Object).description(Some("An OpenAPI 3.1 document.")).into()
    }
}

impl ToSchema for Document {}
