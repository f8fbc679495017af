//! `preceptor client …`.

use clap::{Args, Subcommand};
use uuid::Uuid;
use validator::Validate;

use super::{Failure, issuer, ready, say};
use crate::{
    audit::{self, AuditKey, AuditKind, Event},
    auth::Scope,
    clients::{
        model::{ClientInput, ClientRole, SecretInput},
        routes::fresh_secret,
        store::{self, ClientView, NewClient},
    },
    config::Config,
    db::{self, Conn},
    http::{Error, schema::semantic_faults},
    ids::{ClientId, PrincipalId, UniversityId},
    time::Timestamp,
};

/// Clients that `list` reads at once.
const BATCH: i64 = 100;

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// Register a client and print its `client_id` and secret, which is shown this once.
    Create(Create),
    /// Print every client: id, role, name, and whether it has been revoked.
    List,
    /// Make another secret for a client and print it. A client has two at the most that hold.
    Secret {
        /// The client's id.
        client: ClientId,
        /// Days for which it holds.
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(i32).range(1..=730))]
        days: i32,
    },
    /// Take all rights from a client. This cannot be undone.
    Revoke {
        /// The client's id.
        client: ClientId,
    },
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// What its tokens are for: provider, university or frontend.
    #[arg(long)]
    role: ClientRole,
    /// What people call it.
    #[arg(long)]
    name: String,
    /// Id or slug of the provider, with the role provider.
    #[arg(long)]
    provider: Option<String>,
    /// Id of the university, with the role university.
    #[arg(long)]
    university: Option<UniversityId>,
    /// What its tokens may be used for at the most; all that the role may do unless given.
    #[arg(long)]
    scope: Vec<Scope>,
}

pub(super) fn run(config: &Config, command: ClientCommand) -> Result<(), Failure> {
    let mut conn = ready(config)?;
    let secret = issuer(config)?;
    let act = Act { secret: secret.keys().secret(), now: Timestamp::now() };
    match command {
        ClientCommand::Create(create) => {
            let role = create.role;
            let scopes = if create.scope.is_empty() { vec![Scope::whole(role.role())] } else { create.scope };
            let Create { name, provider, university, .. } = create;
            let input = ClientInput { name, role, provider, university, scopes };
            let (id, secret) = register(&mut conn, &input, &act).map_err(in_words)?;
            say(&format!("client_id: {id}\nclient_secret: {secret}"));
        }
        ClientCommand::List => list(&mut conn)?,
        ClientCommand::Secret { client, days } => {
            let input = SecretInput { expires_in_days: Some(days) };
            let secret = fresh_secret(input.expires_at(act.now))?;
            let subject = format!("client:{client} secret:{}", secret.id);
            act.write(&mut conn, AuditKind::SecretCreated, &subject, &|conn| {
                store::add_secret(conn, client, &secret, act.now)
            })?;
            say(&format!("client_secret: {}", secret.text));
        }
        ClientCommand::Revoke { client } => {
            let subject = format!("client:{client}");
            act.write(&mut conn, AuditKind::ClientRevoked, &subject, &|conn| {
                Ok(store::revoke(conn, client, act.now)?.0)
            })?;
            say("revoked");
        }
    }
    Ok(())
}

/// Registers a client and gives its id and secret.
pub(crate) fn register(conn: &mut Conn, input: &ClientInput, act: &Act<'_>) -> Result<(ClientId, String), Error> {
    let length = input.name.chars().count();
    if !(2..=100).contains(&length) || input.name.chars().any(char::is_control) {
        return Err(Error::BadRequest("a name has from 2 to 100 characters, on one line".to_owned()));
    }
    input.validate().map_err(|errors| Error::Invalid(semantic_faults(&errors)))?;
    let secret = fresh_secret(SecretInput { expires_in_days: None }.expires_at(act.now))?;
    let id = ClientId::from_uuid(Uuid::now_v7());
    let principal = PrincipalId::from_uuid(Uuid::now_v7());
    let new = NewClient { id, principal, input: input.clone(), secret: secret.clone() };
    let subject = format!("client:{id}");
    act.write(conn, AuditKind::ClientCreated, &subject, &|conn| store::create(conn, &new, act.now))?;
    Ok((id, secret.text))
}

/// An act on the command line, of which the security log knows no actor.
pub(crate) struct Act<'a> {
    /// The service's secret.
    pub secret: &'a [u8],
    /// When.
    pub now: Timestamp,
}

impl Act<'_> {
    fn write(
        &self,
        conn: &mut Conn,
        kind: AuditKind,
        subject: &str,
        work: &dyn Fn(&mut Conn) -> Result<ClientView, Error>,
    ) -> Result<(), Error> {
        let key = AuditKey::derive(self.secret);
        db::transaction(conn, &|conn| {
            work(conn)?;
            let event = Event { kind, actor: None, subject: subject.to_owned() };
            audit::append(conn, &key, &event, self.now)
        })
    }
}

fn list(conn: &mut Conn) -> Result<(), Error> {
    let mut after = None;
    loop {
        let clients = store::list(conn, after.as_ref(), BATCH)?;
        let Some(last) = clients.last() else { return Ok(()) };
        after = Some(crate::http::Position::by_number(0, *last.row.id.as_uuid()));
        for client in clients {
            let state = if client.row.revoked_at.is_some() { "revoked" } else { "holds" };
            say(&format!("{}  {}  {state}  {}", client.row.id, client.role, client.row.name));
        }
    }
}

/// Faults of the input, in one sentence.
fn in_words(error: Error) -> Failure {
    match error {
        Error::Invalid(faults) => {
            let each = faults.iter().map(|fault| {
                let place = fault.pointer.as_deref().unwrap_or_default().trim_start_matches("#/");
                format!("{place}: {}", fault.detail)
            });
            each.collect::<Vec<_>>().join("; ").into()
        }
        other => other.into(),
    }
}
