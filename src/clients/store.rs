//! Queries on `clients` and `client_secrets`.

use diesel::prelude::*;

use super::model::{
    ACTIVE_SECRETS, ClientEdit, ClientInput, ClientRole, NewSecret, USE_NOTED_EVERY, scopes_from_text, scopes_to_text,
};
use crate::{
    auth::{
        Scope,
        principals::{self, Principal},
    },
    db::{
        Conn,
        schema::{client_secrets, clients, principals as principal_rows},
    },
    http::{Error, FaultCode, Position},
    ids::{ClientId, PrincipalId, ProviderId, SecretId, UniversityId},
    providers,
    time::Timestamp,
    universities,
};

/// A row of `clients`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = clients)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct ClientRow {
    pub id: ClientId,
    pub principal_id: PrincipalId,
    pub name: String,
    pub scopes: String,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// What is shown of a row of `client_secrets`; never the hash.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = client_secrets)]
#[expect(missing_docs, reason = "the columns are described in schema.rs and the migrations")]
pub struct SecretRow {
    pub id: SecretId,
    pub hint: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// A client with its principal's party.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its row.
    pub row: ClientRow,
    /// What its tokens are for.
    pub role: ClientRole,
    /// The provider that it acts for.
    pub provider: Option<ProviderId>,
    /// The university that it acts for.
    pub university: Option<UniversityId>,
    /// Tokens issued before this do not hold.
    pub tokens_valid_from: Timestamp,
}

impl Client {
    /// Its scopes.
    pub fn scopes(&self) -> Result<Vec<Scope>, Error> {
        scopes_from_text(&self.row.scopes).ok_or_else(|| Error::internal("a client has scopes that do not exist"))
    }

    /// What a merge patch is applied to.
    pub fn edit(&self) -> Result<ClientEdit, Error> {
        Ok(ClientEdit { name: self.row.name.clone(), scopes: self.scopes()? })
    }
}

/// Secrets that the body of a client shows.
pub const SHOWN_SECRETS: i64 = 50;

/// A client with its newest secrets, oldest first.
#[derive(Debug, Clone)]
pub struct ClientView {
    /// The client.
    pub client: Client,
    /// At most [`SHOWN_SECRETS`].
    pub secrets: Vec<SecretRow>,
}

impl ClientView {
    /// The quoted entity tag: it changes with the use of a secret too, because the representation does.
    #[must_use]
    pub fn etag(&self) -> String {
        let used = self.secrets.iter().filter_map(|secret| secret.last_used_at).max();
        format!("\"c{}.{}\"", self.client.row.version, used.map_or(0, Timestamp::as_micros))
    }
}

type Joined = (ClientRow, Principal);

fn joined((row, principal): Joined) -> Result<Client, Error> {
    let role =
        ClientRole::of(principal.role).ok_or_else(|| Error::internal("a client has a role that none can have"))?;
    Ok(Client {
        row,
        role,
        provider: principal.provider_id,
        university: principal.university_id,
        tokens_valid_from: principal.tokens_valid_from,
    })
}

/// Finds a client.
pub fn find(conn: &mut Conn, id: ClientId) -> Result<Option<Client>, Error> {
    let query = clients::table.inner_join(principal_rows::table).filter(clients::id.eq(id));
    let found: Option<Joined> =
        query.select((ClientRow::as_select(), Principal::as_select())).first(conn).optional()?;
    found.map(joined).transpose()
}

/// Finds a client and its secrets. [`Error::NotFound`] when there is none.
pub fn view(conn: &mut Conn, id: ClientId) -> Result<ClientView, Error> {
    let client = find(conn, id)?.ok_or(Error::NotFound("client"))?;
    let mut secrets: Vec<SecretRow> = client_secrets::table
        .filter(client_secrets::client_id.eq(id))
        .order((client_secrets::created_at.desc(), client_secrets::id.desc()))
        .limit(SHOWN_SECRETS)
        .select(SecretRow::as_select())
        .load(conn)?;
    secrets.reverse();
    Ok(ClientView { client, secrets })
}

/// Clients in the order of their registration, from behind `after`.
pub fn list(conn: &mut Conn, after: Option<&Position>, limit: i64) -> Result<Vec<Client>, Error> {
    let mut query = clients::table
        .inner_join(principal_rows::table)
        .select((ClientRow::as_select(), Principal::as_select()))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(clients::id.gt(ClientId::from_uuid(after.id)));
    }
    // Ids are of version 7: they sort by time.
    let rows: Vec<Joined> = query.order(clients::id).limit(limit).load(conn)?;
    rows.into_iter().map(joined).collect()
}

/// A client that is about to be registered. `input` has been checked.
#[derive(Clone)]
pub struct NewClient {
    /// Its id.
    pub id: ClientId,
    /// Id of the principal that is made for it.
    pub principal: PrincipalId,
    /// The registration.
    pub input: ClientInput,
    /// Its first secret.
    pub secret: NewSecret,
}

/// Registers a client with a principal and a secret. [`Error::Invalid`] when the party does not exist.
pub fn create(conn: &mut Conn, new: &NewClient, now: Timestamp) -> Result<ClientView, Error> {
    let unknown = |member: &str| {
        Error::field(&format!("/{member}"), FaultCode::UnknownReference, format!("There is no such {member}."))
    };
    let mut principal = Principal::new(new.principal, new.input.role.role(), now);
    if let Some(key) = &new.input.provider {
        let found = providers::store::find_by_key(conn, key)?;
        principal.provider_id = Some(found.ok_or_else(|| unknown("provider"))?.id);
    }
    if let Some(id) = new.input.university {
        if !universities::store::exists(conn, id)? {
            return Err(unknown("university"));
        }
        principal.university_id = Some(id);
    }
    principals::insert(conn, &principal)?;
    let row = ClientRow {
        id: new.id,
        principal_id: principal.id,
        name: new.input.name.clone(),
        scopes: scopes_to_text(&new.input.scopes),
        version: 1,
        created_at: now,
        updated_at: now,
        revoked_at: None,
    };
    diesel::insert_into(clients::table).values(&row).execute(conn)?;
    insert_secret(conn, new.id, &new.secret, now)?;
    view(conn, new.id)
}

fn insert_secret(conn: &mut Conn, client: ClientId, secret: &NewSecret, now: Timestamp) -> QueryResult<()> {
    diesel::insert_into(client_secrets::table)
        .values((
            client_secrets::id.eq(secret.id),
            client_secrets::client_id.eq(client),
            client_secrets::secret_hash.eq(secret.hash().to_vec()),
            client_secrets::hint.eq(secret.hint()),
            client_secrets::created_at.eq(now),
            client_secrets::expires_at.eq(secret.expires_at),
        ))
        .execute(conn)
        .map(drop)
}

/// Changes a client that is still as `current` says. Tokens with scopes that it loses are refused from the next second
/// on, and so are its other ones; it asks for new ones.
pub fn update(conn: &mut Conn, current: &Client, edit: &ClientEdit, now: Timestamp) -> Result<ClientView, Error> {
    let row = &current.row;
    let scopes = scopes_to_text(&edit.scopes);
    let same = clients::table.find(row.id).filter(clients::version.eq(row.version));
    let changed = diesel::update(same)
        .set((
            clients::name.eq(&edit.name),
            clients::scopes.eq(&scopes),
            clients::version.eq(row.version + 1),
            clients::updated_at.eq(now),
        ))
        .execute(conn)?;
    if changed == 0 {
        return Err(Error::PreconditionFailed);
    }
    if current.scopes()?.iter().any(|scope| !edit.scopes.contains(scope)) {
        principals::refuse_earlier_tokens(conn, row.principal_id, now)?;
    }
    view(conn, row.id)
}

/// Takes all rights from a client; its tokens are refused from the next request on. Done again, it changes nothing.
/// Whether it did something comes with the view.
pub fn revoke(conn: &mut Conn, id: ClientId, now: Timestamp) -> Result<(ClientView, bool), Error> {
    let holding = clients::table.find(id).filter(clients::revoked_at.is_null());
    let revoked = diesel::update(holding)
        .set((clients::revoked_at.eq(now), clients::updated_at.eq(now), clients::version.eq(clients::version + 1)))
        .execute(conn)?;
    let view = view(conn, id)?;
    principals::disable(conn, view.client.row.principal_id, now)?;
    Ok((view, revoked == 1))
}

/// Counts a change of a client that holds, which locks its row for the rest of the transaction.
fn touch(conn: &mut Conn, id: ClientId, now: Timestamp) -> Result<(), Error> {
    let holding = clients::table.find(id).filter(clients::revoked_at.is_null());
    let touched = diesel::update(holding)
        .set((clients::updated_at.eq(now), clients::version.eq(clients::version + 1)))
        .execute(conn)?;
    match touched {
        1 => Ok(()),
        _ if find(conn, id)?.is_some() => Err(Error::Conflict("The client has been revoked.".to_owned())),
        _ => Err(Error::NotFound("client")),
    }
}

/// Adds a secret. [`Error::Conflict`] when as many hold as may, or the client has been revoked.
pub fn add_secret(conn: &mut Conn, id: ClientId, secret: &NewSecret, now: Timestamp) -> Result<ClientView, Error> {
    touch(conn, id, now)?;
    let active: i64 = active(id, now).count().get_result(conn)?;
    if active >= ACTIVE_SECRETS {
        return Err(Error::Conflict("The client has two secrets that hold; revoke one first.".to_owned()));
    }
    insert_secret(conn, id, secret, now)?;
    view(conn, id)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn active(id: ClientId, now: Timestamp) -> _ {
    client_secrets::table
        .filter(client_secrets::client_id.eq(id))
        .filter(client_secrets::revoked_at.is_null())
        .filter(client_secrets::expires_at.gt(now))
}

/// Revokes a secret. Done again, it changes nothing. Whether it did something comes with the view.
/// [`Error::NotFound`] when the client has no such secret.
pub fn revoke_secret(
    conn: &mut Conn,
    id: ClientId,
    secret: SecretId,
    now: Timestamp,
) -> Result<(ClientView, bool), Error> {
    let own = client_secrets::table.find(secret).filter(client_secrets::client_id.eq(id));
    let found: Option<SecretRow> = own.select(SecretRow::as_select()).first(conn).optional()?;
    found.ok_or(Error::NotFound("secret"))?;
    let holding = client_secrets::table.find(secret).filter(client_secrets::revoked_at.is_null());
    let revoked = diesel::update(holding).set(client_secrets::revoked_at.eq(now)).execute(conn)? == 1;
    if revoked {
        // Of a revoked client too a secret may be revoked.
        diesel::update(clients::table.find(id))
            .set((clients::updated_at.eq(now), clients::version.eq(clients::version + 1)))
            .execute(conn)?;
    }
    Ok((view(conn, id)?, revoked))
}

/// A secret that a client may prove itself with.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct ActiveSecret {
    /// Its id.
    pub id: SecretId,
    /// Its hash.
    pub hash: Vec<u8>,
    /// When its use was last written down.
    pub last_used_at: Option<Timestamp>,
}

impl ActiveSecret {
    /// Whether the present use is to be written down.
    #[must_use]
    pub fn is_use_noted(&self, now: Timestamp) -> bool {
        self.last_used_at.is_none_or(|last| last.plus_seconds(USE_NOTED_EVERY) <= now)
    }
}

/// What a client is proven by: itself, unless it has lost its rights, and its secrets that hold. The same two queries
/// run whether or not there is such a client.
pub fn credentials(
    conn: &mut Conn,
    id: ClientId,
    now: Timestamp,
) -> Result<(Option<Client>, Vec<ActiveSecret>), Error> {
    let query = clients::table.inner_join(principal_rows::table).filter(clients::id.eq(id));
    let found: Option<Joined> =
        query.select((ClientRow::as_select(), Principal::as_select())).first(conn).optional()?;
    let secrets = active(id, now)
        .order(client_secrets::id)
        .limit(ACTIVE_SECRETS)
        .select((client_secrets::id, client_secrets::secret_hash, client_secrets::last_used_at))
        .load(conn)?;
    let holding = found.filter(|(row, principal)| row.revoked_at.is_none() && principal.disabled_at.is_none());
    Ok((holding.map(joined).transpose()?, secrets))
}

/// Writes down that a secret was used.
pub fn note_use(conn: &mut Conn, secret: SecretId, now: Timestamp) -> QueryResult<()> {
    let row = client_secrets::table.find(secret);
    diesel::update(row).set(client_secrets::last_used_at.eq(now)).execute(conn).map(drop)
}
