//! What is told of a client.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    model::ClientRole,
    store::{Client, ClientView, SecretRow},
};
use crate::{
    auth::Scope,
    http::Error,
    ids::{ClientId, ProviderId, SecretId, UniversityId},
    page_type,
    time::Timestamp,
};

/// A secret of a client, without the secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientSecret {
    /// Its id, by which it is revoked.
    pub id: SecretId,
    /// The secret's last four characters.
    #[schema(min_length = 4, max_length = 4, pattern = "^[0-9a-hjkmnp-tv-z]{4}$", example = "0000")]
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to hold by itself.
    pub expires_at: Timestamp,
    /// When it was last used, to the hour; null before its first use.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl From<SecretRow> for ClientSecret {
    fn from(row: SecretRow) -> Self {
        Self {
            id: row.id,
            hint: row.hint,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// A client.
#[derive(Serialize, ToSchema)]
pub struct ClientBody {
    /// Its id: the `client_id` of OAuth 2.
    pub id: ClientId,
    /// What people call it.
    #[schema(min_length = 2, max_length = 100, example = "Booking system of Himal Health")]
    pub name: String,
    /// What its tokens are for.
    pub role: ClientRole,
    /// The provider that it acts for.
    pub provider_id: Option<ProviderId>,
    /// The university that it acts for.
    pub university_id: Option<UniversityId>,
    /// What its tokens may be used for at the most.
    #[schema(max_items = 2)]
    pub scopes: Vec<Scope>,
    /// Its newest 50 secrets, oldest first.
    #[schema(max_items = 50)]
    pub secrets: Vec<ClientSecret>,
    /// The secret that this request made, which is the last of `secrets`. It is shown in this answer and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 45,
        pattern = "^pct_cs_[0-9a-hjkmnp-tv-z]{38}$",
        example = "pct_cs_00000000000000000000000000000000000000"
    )]
    pub secret: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it or its secrets were last changed.
    pub updated_at: Timestamp,
    /// When it lost all rights.
    pub revoked_at: Option<Timestamp>,
}

impl ClientBody {
    /// Puts the answer together; `secret` is the one that was made just now.
    pub fn new(view: ClientView, secret: Option<String>) -> Result<Self, Error> {
        let scopes = view.client.scopes()?;
        let Client { row, role, provider, university, tokens_valid_from: _ } = view.client;
        Ok(Self {
            id: row.id,
            name: row.name,
            role,
            provider_id: provider,
            university_id: university,
            scopes,
            secrets: view.secrets.into_iter().map(ClientSecret::from).collect(),
            secret,
            created_at: row.created_at,
            updated_at: row.updated_at,
            revoked_at: row.revoked_at,
        })
    }
}

/// A client in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientItem {
    /// Its id: the `client_id` of OAuth 2.
    pub id: ClientId,
    /// What people call it.
    #[schema(min_length = 2, max_length = 100, example = "Booking system of Himal Health")]
    pub name: String,
    /// What its tokens are for.
    pub role: ClientRole,
    /// The provider that it acts for.
    pub provider_id: Option<ProviderId>,
    /// The university that it acts for.
    pub university_id: Option<UniversityId>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it lost all rights.
    pub revoked_at: Option<Timestamp>,
}

impl From<Client> for ClientItem {
    fn from(client: Client) -> Self {
        Self {
            id: client.row.id,
            name: client.row.name,
            role: client.role,
            provider_id: client.provider,
            university_id: client.university,
            created_at: client.row.created_at,
            revoked_at: client.row.revoked_at,
        }
    }
}

page_type! {
    /// A page of clients.
    ClientPage of ClientItem
}
