//! Handlers for universities.

use actix_web::{
    get,
    web::{Data, Path},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    domain::Domain,
    store::{self, Filter, UniversityRow},
};
use crate::{
    app::State,
    db::Conn,
    http::{Error, FaultCode, Found, FromParams, NoQuery, Page, Paging, Params, Position, Query},
    ids::UniversityId,
    page_type,
    reference::is_country,
    search_text::query_tokens,
    time::Timestamp,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_universities).service(get_university);
}

/// A university.
#[derive(Debug, Serialize, ToSchema)]
pub struct University {
    /// Identifier.
    pub id: UniversityId,
    /// Name, in the language that the source has it in.
    #[schema(max_length = 300, example = "Kathmandu University")]
    pub name: String,
    /// ISO 3166-1 alpha-2 code, or XK for Kosovo.
    #[schema(min_length = 2, max_length = 2, pattern = "^[A-Z]{2}$", example = "NP")]
    pub country: String,
    /// State or province, where the source has one.
    #[schema(max_length = 200, example = "Bagmati")]
    pub state_province: Option<String>,
    /// Mail domains, in order. Addresses below them count too. A few domains belong to several universities.
    #[schema(max_items = 50, max_length = 253, pattern = "^[a-z0-9.-]+$", example = json!(["ku.edu.np"]))]
    pub domains: Vec<String>,
    /// Addresses on the web, as the source has them.
    #[schema(max_items = 20, max_length = 500, pattern = "^https?://[!-~]+$", example = json!(["https://www.ku.edu.np/"]))]
    pub web_pages: Vec<String>,
    /// When the university was first imported.
    pub created_at: Timestamp,
    /// When an import last changed it.
    pub updated_at: Timestamp,
}

impl University {
    fn new(row: UniversityRow, domains: Vec<String>) -> Result<Self, Error> {
        let web_pages = serde_json::from_str(&row.web_pages).map_err(Error::internal)?;
        Ok(Self {
            id: row.id,
            name: row.name,
            country: row.country,
            state_province: row.state_province,
            domains,
            web_pages,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

page_type! {
    /// One page of universities.
    UniversityPage of University
}

/// Parameters of the list.
#[derive(Debug)]
pub struct ListQuery {
    filter: Filter,
    paging: Paging,
}

impl FromParams for ListQuery {
    fn from_params(params: &mut Params) -> Self {
        let words = params.bounded("q", 1..=200).map(|text| query_tokens(&text));
        let domain = params.parsed::<Domain>("domain", "A domain name such as student.example.edu.");
        let country = params.text("country");
        if country.as_deref().is_some_and(|code| !is_country(code)) {
            params.fault("country", FaultCode::NotAllowed, "A code of /v1/reference/countries.");
        }
        Self { filter: Filter { words, domain, country }, paging: Paging::from_params(params) }
    }
}

/// List universities
///
/// By name. Filters add up: every word of `q` in the name (whatever its case, accents and English endings), a mail
/// domain, a country.
#[utoipa::path(
    tag = "universities",
    operation_id = "list_universities",
    params(
        ("q" = Option<String>, Query, description = "Words of the name, the first 10 of them; all must be in it. \
            Without a letter or digit nothing is found.", min_length = 1, max_length = 200, example = "kathmandu"),
        ("domain" = Option<String>, Query, description = "A mail domain. It finds the universities that have this \
            domain or one above it: student.example.edu finds example.edu.", min_length = 3, max_length = 253,
            pattern = "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\\.[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
            example = "student.ku.edu.np"),
        ("country" = Option<String>, Query, description = "ISO 3166-1 alpha-2 code.", min_length = 2, max_length = 2,
            pattern = "^[A-Z]{2}$", example = "NP"),
        ("limit" = Option<i64>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", min_length = 1,
            max_length = 1000, pattern = "^[A-Za-z0-9_-]+$"),
    ),
    responses((status = 200, description = "A page of universities.", body = UniversityPage)),
    security(())
)]
#[get("/v1/universities")]
pub async fn list_universities(
    state: Data<State>,
    Query(query): Query<ListQuery>,
) -> Result<Page<UniversityPage>, Error> {
    let ListQuery { filter, paging } = query;
    let after = paging.position(&state.cursors)?;
    let fetch = paging.fetch();
    let walks_many = filter.words.is_some();
    let work = move |conn: &mut Conn| {
        let rows = store::list(conn, &filter, after.as_ref(), fetch)?;
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let mut domains = store::domains_of(conn, &ids)?;
        rows.into_iter()
            .map(|row| {
                let key = row.name_key.clone();
                let domains = domains.remove(&row.id).unwrap_or_default();
                Ok((key, University::new(row, domains)?))
            })
            .collect::<Result<Vec<_>, Error>>()
    };
    // A word such as "university" is in half of the names; the other filters read what they show.
    let rows = if walks_many { state.db.scan(work).await? } else { state.db.read(work).await? };
    let slice = paging.page(rows, &state.cursors, |(key, item)| Position::by_text(key, *item.id.as_uuid()));
    Ok(UniversityPage::answer(slice, |(_, item)| item))
}

/// Read a university
///
/// Its name, country, mail domains and addresses on the web.
#[utoipa::path(
    tag = "universities",
    operation_id = "get_university",
    params(("id" = UniversityId, Path, description = "The university's id.",
        example = "0195f8a0-1c2d-7abc-8def-0123456789ab")),
    responses((status = 200, description = "The university.", body = University)),
    security(())
)]
#[get("/v1/universities/{id}")]
pub async fn get_university(
    state: Data<State>,
    id: Path<UniversityId>,
    _: NoQuery,
) -> Result<Found<University>, Error> {
    let id = id.into_inner();
    let found = state.db.read(move |conn| {
        let row = store::find(conn, id)?.ok_or(Error::NotFound("university"))?;
        let domains = store::domains_of(conn, &[id])?.remove(&id).unwrap_or_default();
        Ok((row, domains))
    });
    let (row, domains) = found.await?;
    let etag = format!("\"r{}\"", row.version);
    Ok(Found::versioned(University::new(row, domains)?, etag))
}
