//! Handlers of the service's own resources.

use std::sync::{Arc, LazyLock};

use actix_web::{HttpResponse, get, http::header, web::Path};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    http::{Error, Found, NoQuery, ProblemCode},
    openapi,
    system::health,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    health::configure(config);
    config
        .service(get_root)
        .service(get_v1)
        .service(get_openapi)
        .service(get_docs)
        .service(get_docs_file)
        .service(get_problem_type);
}

/// Links to what a client needs first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Entry {
    /// The service's name.
    #[schema(max_length = 40, example = "preceptor")]
    pub name: &'static str,
    /// The release that answers.
    #[schema(max_length = 40, example = "0.1.0")]
    pub version: &'static str,
    /// Links by relation.
    pub links: EntryLinks,
}

/// Links by relation.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryLinks {
    /// The API document.
    #[schema(max_length = 100, example = "/openapi.json")]
    pub service_desc: &'static str,
    /// The page for people.
    #[schema(max_length = 100, example = "/docs")]
    pub service_doc: &'static str,
    /// Readiness.
    #[schema(max_length = 100, example = "/readyz")]
    pub status: &'static str,
    /// The listings.
    #[schema(max_length = 100, example = "/v1/programs")]
    pub programs: &'static str,
    /// The providers.
    #[schema(max_length = 100, example = "/v1/providers")]
    pub providers: &'static str,
    /// The universities.
    #[schema(max_length = 100, example = "/v1/universities")]
    pub universities: &'static str,
    /// The closed lists.
    #[schema(max_length = 100, example = "/v1/reference/red-flag-kinds")]
    pub red_flag_kinds: &'static str,
}

fn entry() -> Found<Entry> {
    Found::computed(Entry {
        name: "preceptor",
        version: env!("CARGO_PKG_VERSION"),
        links: EntryLinks {
            service_desc: "/openapi.json",
            service_doc: "/docs",
            status: "/readyz",
            programs: "/v1/programs",
            providers: "/v1/providers",
            universities: "/v1/universities",
            red_flag_kinds: "/v1/reference/red-flag-kinds",
        },
    })
}

/// Find the way
///
/// Links to the API document, its page for people, and the collections.
#[utoipa::path(
    tag = "service",
    operation_id = "get_root",
    responses((status = 200, description = "The links.", body = Entry)),
    security(())
)]
#[get("/")]
pub async fn get_root(_: NoQuery) -> Found<Entry> {
    entry()
}

/// Find the way in version 1
///
/// The same links as at the root.
#[utoipa::path(
    tag = "service",
    operation_id = "get_v1",
    responses((status = 200, description = "The links.", body = Entry)),
    security(())
)]
#[get("/v1")]
pub async fn get_v1(_: NoQuery) -> Found<Entry> {
    entry()
}

/// Read the API document
///
/// OpenAPI 3.1, the same as the file in the project's repository.
#[utoipa::path(
    tag = "service",
    operation_id = "get_openapi",
    responses((status = 200, description = "The document.", body = openapi::Document)),
    security(())
)]
#[get("/openapi.json")]
pub async fn get_openapi(_: NoQuery) -> Found<&'static serde_json::Value> {
    Found::computed(openapi::document())
}

/// Swagger UI draws with inline styles and data: images; nothing else is let in.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'self'; frame-ancestors 'none'; object-src 'none'";

static DOCS: LazyLock<Arc<utoipa_swagger_ui::Config<'static>>> =
    LazyLock::new(|| Arc::new(utoipa_swagger_ui::Config::from("/openapi.json").persist_authorization(false)));

fn docs_file(name: &str) -> Result<HttpResponse, Error> {
    let file = utoipa_swagger_ui::serve(name, Arc::clone(&DOCS)).map_err(Error::internal)?;
    let file = file.ok_or(Error::NotFound("file"))?;
    let mut bytes = file.bytes.into_owned();
    if name == "index.html" {
        // The page is served without a trailing slash, and its links are relative.
        let page = String::from_utf8_lossy(&bytes).replacen("<head>", "<head><base href=\"/docs/\">", 1);
        bytes = page.into_bytes();
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_SECURITY_POLICY, DOCS_POLICY));
    response.insert_header((header::CACHE_CONTROL, "public, max-age=3600"));
    response.content_type(file.content_type);
    Ok(response.body(bytes))
}

/// Open the documentation page
///
/// The API document as a page where requests can be tried. It needs no network but this service.
#[utoipa::path(
    tag = "service",
    operation_id = "get_docs",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
    security(())
)]
#[get("/docs")]
pub async fn get_docs(_: NoQuery) -> Result<HttpResponse, Error> {
    docs_file("index.html")
}

/// Read a file of the documentation page
///
/// Scripts and styles of the page at `/docs`.
#[utoipa::path(
    tag = "service",
    operation_id = "get_docs_file",
    params(("file" = String, Path, description = "The file's name.", max_length = 100,
        pattern = "^[A-Za-z0-9._-]+$", example = "swagger-ui.css")),
    responses((status = 200, description = "The file.", content(
        (String = "text/html"), (String = "text/css"), (String = "text/javascript"), (String = "image/png")
    ))),
    security(())
)]
#[get("/docs/{file}")]
pub async fn get_docs_file(file: Path<String>, _: NoQuery) -> Result<HttpResponse, Error> {
    docs_file(&file)
}

/// One type of problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemType {
    /// The last part of the type's address.
    pub code: ProblemCode,
    /// The title that every problem of this type has.
    #[schema(max_length = 100, example = "Not found")]
    pub title: &'static str,
    /// The HTTP status that it comes with.
    #[schema(format = "int32", minimum = 400, maximum = 599, example = 404)]
    pub status: u16,
    /// What a client can do.
    #[schema(max_length = 500, example = "Check the id or slug.")]
    pub remedy: &'static str,
}

/// Read about a type of problem
///
/// The address in the `type` of a problem document leads here.
#[utoipa::path(
    tag = "service",
    operation_id = "get_problem_type",
    params(("code" = ProblemCode, Path, description = "The problem's code.", example = "not_found")),
    responses((status = 200, description = "The type.", body = ProblemType)),
    security(())
)]
#[get("/problems/{code}")]
pub async fn get_problem_type(code: Path<ProblemCode>, _: NoQuery) -> Found<ProblemType> {
    let code = code.into_inner();
    Found::computed(ProblemType { code, title: code.title(), status: code.status().as_u16(), remedy: code.remedy() })
}
