//! Handlers of providers.

use actix_web::{
    get, patch, post,
    web::{Data, Path},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    model::ProviderInput,
    store::{self, Filter, ProviderKey, ProviderRow},
};
use crate::{
    app::State,
    auth::{Admin, Caller, MaybeCaller, Role},
    db::Conn,
    http::{
        Answered, Changed, Created, Error, FaultCode, Found, FromParams, IfMatch, Json, NoQuery, Once, Page, Paging,
        Params, Patch, Position, Query,
    },
    ids::ProviderId,
    page_type, patch_schema,
    reference::is_country,
    search_text::sort_key,
    time::Timestamp,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_providers).service(post_provider).service(get_provider).service(patch_provider);
}

patch_schema! {
    /// Changes of a provider's entry.
    ProviderPatch for ProviderInput
}

/// A provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderBody {
    /// Its id.
    pub id: ProviderId,
    /// Readable name in URLs.
    #[schema(
        min_length = 3,
        max_length = 80,
        pattern = "^[a-z0-9]+(-[a-z0-9]+)*$",
        example = "himal-health-placements"
    )]
    pub slug: String,
    /// Name of the organisation.
    #[schema(max_length = 140, example = "Himal Health Placements")]
    pub name: String,
    /// ISO 3166-1 alpha-2 code of the country where it is registered.
    #[schema(min_length = 2, max_length = 2, pattern = "^[A-Z]{2}$", example = "NP")]
    pub country: String,
    /// Page of the organisation.
    #[schema(max_length = 500, format = "uri", example = "https://example.org")]
    pub website: Option<String>,
    /// Who they are and what they do.
    #[schema(max_length = 5000)]
    pub description: String,
    /// Address for messages from moderators. Only there for admins, moderators and the provider itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 254, format = "email", example = "office@example.org")]
    pub contact_email: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its entry last changed.
    pub updated_at: Timestamp,
}

impl ProviderBody {
    /// What everyone may read.
    #[must_use]
    pub fn public(row: ProviderRow) -> Self {
        Self { contact_email: None, ..Self::private(row) }
    }

    fn private(row: ProviderRow) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            country: row.country,
            website: row.website,
            description: row.description,
            contact_email: row.contact_email,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

page_type! {
    /// A page of providers.
    ProviderPage of ProviderBody
}

/// The entity tag of what everyone may read.
fn public_tag(row: &ProviderRow) -> String {
    format!("\"v{}\"", row.version)
}

/// The entity tag of the representation with the contact address.
fn private_tag(row: &ProviderRow) -> String {
    format!("\"v{}-private\"", row.version)
}

/// Whether the caller may read the contact address.
fn reads_contact(caller: Option<&Caller>, provider: ProviderId) -> bool {
    caller.is_some_and(|caller| match caller.role {
        Role::Admin | Role::Moderator => true,
        Role::Provider => caller.provider == Some(provider),
        Role::Assessor | Role::Participant | Role::University | Role::Frontend => false,
    })
}

/// The query of the list.
#[derive(Debug)]
pub struct ProvidersQuery {
    filter: Filter,
    paging: Paging,
}

impl FromParams for ProvidersQuery {
    fn from_params(params: &mut Params) -> Self {
        let country = params.text("country");
        if country.as_deref().is_some_and(|code| !is_country(code)) {
            params.fault("country", FaultCode::NotAllowed, "An ISO 3166-1 alpha-2 code in capitals.");
        }
        let name_prefix = params.bounded("q", 1..=100).map(|q| sort_key(&q));
        Self { filter: Filter { country, name_prefix }, paging: Paging::from_params(params) }
    }
}

/// List providers
///
/// Sorted by name.
#[utoipa::path(
    tag = "providers",
    operation_id = "list_providers",
    params(
        ("country" = Option<String>, Query, description = "ISO 3166-1 alpha-2 code of the country of registration.",
            min_length = 2, max_length = 2, pattern = "^[A-Z]{2}$", example = "NP"),
        ("q" = Option<String>, Query, description = "Beginning of the name; case and accents do not matter.",
            min_length = 1, max_length = 100, example = "himal"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of providers.", body = ProviderPage)),
    security(())
)]
#[get("/v1/providers")]
pub async fn list_providers(state: Data<State>, query: Query<ProvidersQuery>) -> Result<Page<ProviderPage>, Error> {
    let Query(ProvidersQuery { filter, paging }) = query;
    let after = paging.position(&state.cursors)?;
    let limit = paging.fetch();
    let rows = state.db.read(move |conn| Ok(store::list(conn, &filter, after.as_ref(), limit)?)).await?;
    let slice = paging.page(rows, &state.cursors, |row| Position::by_text(&row.name_key, *row.id.as_uuid()));
    Ok(ProviderPage::answer(slice, ProviderBody::public))
}

/// Register a provider
///
/// Admins only. A slug made from the name gets a number when it is taken; a slug that was sent and is taken is a
/// conflict.
#[utoipa::path(
    tag = "providers",
    operation_id = "create_provider",
    request_body(content = ProviderInput, description = "The provider.", content_type = "application/json",
        example = json!({
            "name": "Himal Health Placements",
            "country": "NP",
            "website": "https://example.org",
            "description": "Places students in three teaching hospitals in Nepal.",
            "contact_email": "office@example.org"
        })),
    responses((status = 201, description = "The new provider.", body = ProviderBody)),
    security(("admin" = []))
)]
#[post("/v1/providers")]
pub async fn post_provider(
    state: Data<State>,
    Admin(caller): Admin,
    body: Json<ProviderInput>,
    _: NoQuery,
    once: Once,
) -> Result<Answered<Created<ProviderBody>>, Error> {
    let input = body.valid()?;
    let now = state.now();
    let id = ProviderId::from_uuid(Uuid::now_v7());
    let create = move |conn: &mut Conn| {
        let row = store::insert(conn, &input, id, now)?;
        let etag = private_tag(&row);
        Ok(Created { location: format!("/v1/providers/{id}"), etag, body: ProviderBody::private(row) })
    };
    once.write(&state, &caller, create).await
}

/// Read a provider
///
/// Admins, moderators and the provider itself also read the contact address.
#[utoipa::path(
    tag = "providers",
    operation_id = "get_provider",
    params(("provider" = String, Path, description = "Id or slug of the provider.", min_length = 3, max_length = 80,
        pattern = "^[a-z0-9-]+$", example = "himal-health-placements")),
    responses((status = 200, description = "The provider.", body = ProviderBody)),
    security((), ("bearer" = []))
)]
#[get("/v1/providers/{provider}")]
pub async fn get_provider(
    state: Data<State>,
    caller: MaybeCaller,
    key: Path<ProviderKey>,
    _: NoQuery,
) -> Result<Found<ProviderBody>, Error> {
    let row = state.db.read(move |conn| Ok(store::find(conn, &key)?)).await?.ok_or(Error::NotFound("provider"))?;
    if reads_contact(caller.0.as_ref(), row.id) {
        let etag = private_tag(&row);
        return Ok(Found::versioned(ProviderBody::private(row), etag));
    }
    let etag = public_tag(&row);
    Ok(Found::versioned(ProviderBody::public(row), etag))
}

/// Edit a provider's entry
///
/// A JSON merge patch, sent by an admin or by the provider itself.
#[utoipa::path(
    tag = "providers",
    operation_id = "update_provider",
    params(
        ("provider" = String, Path, description = "Id or slug of the provider.", min_length = 3, max_length = 80,
            pattern = "^[a-z0-9-]+$", example = "himal-health-placements")
    ),
    request_body(content = ProviderPatch, description = "What changes; null takes a member away.",
        content_type = "application/merge-patch+json", example = json!({"website": "https://example.org/new"})),
    responses((status = 200, description = "The provider after the edit.", body = ProviderBody)),
    security(("admin" = []), ("provider" = []))
)]
#[patch("/v1/providers/{provider}")]
pub async fn patch_provider(
    state: Data<State>,
    caller: Caller,
    key: Path<ProviderKey>,
    if_match: IfMatch,
    body: Patch<ProviderInput, ProviderPatch>,
    _: NoQuery,
) -> Result<Changed<ProviderBody>, Error> {
    if !matches!(caller.role, Role::Admin | Role::Provider) {
        let needed = "This operation needs an admin's or a provider's token.";
        return Err(Error::InsufficientScope(needed, "admin provider"));
    }
    let found = state.db.read_latest(move |conn| Ok(store::find(conn, &key)?)).await?;
    let own = |row: &ProviderRow| caller.role == Role::Admin || caller.provider == Some(row.id);
    let current = found.filter(own).ok_or(Error::NotFound("provider"))?;
    // Either representation shows the same version.
    if_match.check(&private_tag(&current)).or_else(|error| match error {
        Error::PreconditionFailed => if_match.check(&public_tag(&current)),
        other => Err(other),
    })?;
    let input = body.apply(&current.input())?;
    let now = state.now();
    let row = state.db.write(move |conn| store::update(conn, &current, &input, now)).await?;
    let etag = private_tag(&row);
    Ok(Changed { body: ProviderBody::private(row), etag })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PrincipalId;

    #[test]
    fn the_contact_address_is_for_the_few() {
        let id = |n: u8| ProviderId::new_v4([n; 16]);
        let caller =
            |role, provider| Some(Caller { id: PrincipalId::new_v4([9; 16]), role, provider, university: None });
        assert!(!reads_contact(None, id(1)));
        for (role, provider, reads) in [
            (Role::Admin, None, true),
            (Role::Moderator, None, true),
            (Role::Provider, Some(id(1)), true),
            (Role::Provider, Some(id(2)), false),
            (Role::Participant, None, false),
        ] {
            assert_eq!(reads_contact(caller(role, provider).as_ref(), id(1)), reads, "{role}");
        }
    }
}
